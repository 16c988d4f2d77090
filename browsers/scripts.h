// browsers/scripts.h: the scripts of browsers/scripts/, inside the program.
//
// Thread:  any; constant.
// Owner:   the program.
// Fails:   never.
#pragma once

#include <string_view>

namespace callbot::browsers {

// What a page sees of its call: the marks in every picture it shows and in the one it sends, and
// what its peer connections say of themselves (getStats).
std::string_view script_observer();
// Camera and microphone from files, for a browser that cannot take files as its devices.
std::string_view script_feeder();
// A microphone's sound without the browser's own changes to it, for one that is a file.
std::string_view script_plain_sound();

}  // namespace callbot::browsers
