// base/page_files.h: the style sheet of base/page/, inside the program.
//
// Thread:  any; constant.
// Owner:   the program.
// Fails:   never.
#pragma once

#include <string_view>

namespace callbot {

std::string_view page_style();

}  // namespace callbot
