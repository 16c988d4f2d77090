#include "base/html.h"

#include <fmt/core.h>
#include <glib.h>

#include <array>

#include "base/files.h"
#include "base/gref.h"

namespace callbot {
namespace {

std::string base64(std::string_view bytes) {
  const std::unique_ptr<char, Freer<&g_free>> text(
      g_base64_encode(reinterpret_cast<const guchar*>(bytes.data()), bytes.size()));
  return text.get();
}

}  // namespace

std::string html(std::string_view text, size_t most) {
  std::string out;
  for (const char c : printable(text, most)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string html_link(std::string_view path) {
  std::string out;
  for (const char c : path) {
    if (g_ascii_isalnum(c) || (c != '\0' && std::string_view("-_.~/").find(c) != std::string::npos))
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string data_url(std::string_view type, std::string_view bytes) {
  return fmt::format("data:{};base64,{}", type, base64(bytes));
}

std::string csp_hash(std::string_view text) {
  std::array<guint8, 32> digest{};
  gsize length = digest.size();
  const std::unique_ptr<GChecksum, Freer<&g_checksum_free>> sum(g_checksum_new(G_CHECKSUM_SHA256));
  g_checksum_update(sum.get(), reinterpret_cast<const guchar*>(text.data()),
                    static_cast<gssize>(text.size()));
  g_checksum_get_digest(sum.get(), digest.data(), &length);
  return "'sha256-" + base64({reinterpret_cast<const char*>(digest.data()), length}) + "'";
}

}  // namespace callbot
