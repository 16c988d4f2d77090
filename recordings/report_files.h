// recordings/report_files.h: the style sheet and script of recordings/report/, inside the program.
//
// Thread:  any; constant.
// Owner:   the program.
// Fails:   never.
#pragma once

#include <string_view>

namespace callbot::recordings {

std::string_view report_style();
std::string_view report_script();

}  // namespace callbot::recordings
