// bot/web_files.h: the files of bot/web/, inside the program.
//
// Thread:  any; constant.
// Owner:   the program.
// Fails:   never.
#pragma once

#include <span>
#include <string_view>

namespace callbot::bot {

struct WebFile {
  std::string_view path;  // below bot/web/: "index.html"
  std::string_view content_type;
  std::string_view content;
};

std::span<const WebFile> web_files();

}  // namespace callbot::bot
