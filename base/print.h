// base/print.h: text on standard output and standard error. Unlike fmt::print() it never throws: a
// recorder goes on when who read its output has gone, and when the disk of its log is full.
//
// Thread:  any; each call is written as one piece.
// Owner:   the process.
// Fails:   never; what cannot be written is dropped, and output_error() knows it.
#pragma once

#include <fmt/core.h>

#include <cstdio>
#include <string_view>
#include <utility>

namespace callbot {

void write_text(FILE* to, std::string_view text);
void flush_output();
// Why something of standard output was lost, as errno; 0: nothing was, or nobody reads it any more.
int output_error();

template <class... Args>
void print(fmt::format_string<Args...> format, Args&&... args) {
  write_text(stdout, fmt::format(format, std::forward<Args>(args)...));
}

template <class... Args>
void print_error(fmt::format_string<Args...> format, Args&&... args) {
  write_text(stderr, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace callbot
