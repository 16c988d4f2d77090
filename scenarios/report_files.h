// scenarios/report_files.h: the style sheet and script of scenarios/report/, inside the program.
//
// Thread:  any; constant.
// Owner:   the program.
// Fails:   never.
#pragma once

#include <string_view>

namespace callbot::scenarios {

std::string_view run_style();
std::string_view run_script();

}  // namespace callbot::scenarios
