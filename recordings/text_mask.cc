#include "recordings/text_mask.h"

#include <fontconfig/fontconfig.h>
#include <pango/pangoft2.h>

#include <algorithm>

#include "base/gref.h"

namespace callbot::recordings {
namespace {

constexpr size_t kMostCharacters = 64;

using FontSet = std::unique_ptr<FcFontSet, Freer<&FcFontSetDestroy>>;
using FontPattern = std::unique_ptr<FcPattern, Freer<&FcPatternDestroy>>;
using FontNames = std::unique_ptr<FcObjectSet, Freer<&FcObjectSetDestroy>>;
using FontDescription = std::unique_ptr<PangoFontDescription, Freer<&pango_font_description_free>>;

bool any_font() {
  const FontPattern all(FcPatternCreate());
  const FontNames names(FcObjectSetBuild(FC_FAMILY, nullptr));
  const FontSet found(FcFontList(nullptr, all.get(), names.get()));
  return found && found->nfont > 0;
}

// Format characters change how other text reads; joiners are part of words (Persian, Hindi).
bool is_left_out(gunichar c) {
  if (c == 0x200C || c == 0x200D) return false;
  const GUnicodeType type = g_unichar_type(c);
  return type == G_UNICODE_CONTROL || type == G_UNICODE_FORMAT || type == G_UNICODE_SURROGATE ||
         type == G_UNICODE_UNASSIGNED || type == G_UNICODE_PRIVATE_USE;
}

}  // namespace

std::string line_of(const std::string& text) {
  const Text valid(g_utf8_make_valid(text.c_str(), static_cast<gssize>(text.size())));
  std::string line;
  size_t count = 0;
  bool blank = false;
  for (const char* at = valid.get(); *at != '\0' && count < kMostCharacters;
       at = g_utf8_next_char(at)) {
    const gunichar c = g_utf8_get_char(at);
    if (g_unichar_isspace(c)) {
      blank = !line.empty();
      continue;
    }
    if (is_left_out(c)) continue;
    if (blank) line += ' ';
    blank = false;
    line.append(at, static_cast<size_t>(g_utf8_next_char(at) - at));
    ++count;
  }
  return line;
}

std::string initials_of(const std::string& name) {
  const std::string line = line_of(name);
  const auto first_letter = [&](size_t from) {
    for (const char* at = line.c_str() + from; *at != '\0'; at = g_utf8_next_char(at)) {
      const gunichar c = g_utf8_get_char(at);
      if (c == ' ' && from != 0) break;
      if (!g_unichar_isalnum(c)) continue;
      std::string letter(6, '\0');
      const gunichar upper = g_unichar_toupper(c);
      // Where there are no capitals two letters would read as a word.
      if (from != 0 && !g_unichar_isupper(upper)) break;
      letter.resize(static_cast<size_t>(g_unichar_to_utf8(upper, letter.data())));
      return letter;
    }
    return std::string();
  };
  const size_t last = line.rfind(' ');
  return first_letter(0) + (last == std::string::npos ? "" : first_letter(last + 1));
}

struct TextMasks::Impl {
  GRef<PangoFontMap> fonts;
  GRef<PangoContext> context;
};

TextMasks::TextMasks() : impl_(std::make_unique<Impl>()) {
  if (!any_font()) return;
  impl_->fonts = GRef<PangoFontMap>::adopt(pango_ft2_font_map_new());
  impl_->context = GRef<PangoContext>::adopt(pango_font_map_create_context(impl_->fonts.get()));
}

TextMasks::~TextMasks() = default;

bool TextMasks::available() const { return static_cast<bool>(impl_->context); }

Mask TextMasks::draw(const std::string& text, int pixels, int most_width, bool bold) const {
  const std::string line = line_of(text);
  if (!available() || line.empty() || most_width < pixels) return {};
  const FontDescription font(pango_font_description_from_string("sans"));
  pango_font_description_set_absolute_size(font.get(), pixels * PANGO_SCALE);
  if (bold) pango_font_description_set_weight(font.get(), PANGO_WEIGHT_BOLD);
  const auto layout = GRef<PangoLayout>::adopt(pango_layout_new(impl_->context.get()));
  pango_layout_set_font_description(layout.get(), font.get());
  pango_layout_set_single_paragraph_mode(layout.get(), TRUE);
  pango_layout_set_text(layout.get(), line.c_str(), static_cast<int>(line.size()));
  pango_layout_set_ellipsize(layout.get(), PANGO_ELLIPSIZE_END);
  pango_layout_set_width(layout.get(), most_width * PANGO_SCALE);
  PangoRectangle ink{};
  PangoRectangle logical{};
  pango_layout_get_pixel_extents(layout.get(), &ink, &logical);
  Mask mask;
  mask.width = std::clamp(logical.width, 0, most_width);
  mask.height = std::clamp(logical.height, 0, pixels * 2);
  mask.alpha.resize(static_cast<size_t>(mask.width) * static_cast<size_t>(mask.height));
  if (mask.alpha.empty()) return {};
  FT_Bitmap bitmap{};
  bitmap.width = static_cast<unsigned>(mask.width);
  bitmap.rows = static_cast<unsigned>(mask.height);
  bitmap.pitch = mask.width;
  bitmap.buffer = mask.alpha.data();
  bitmap.num_grays = 256;
  bitmap.pixel_mode = FT_PIXEL_MODE_GRAY;
  // A line that is aligned to the right begins at logical.x.
  pango_ft2_render_layout(&bitmap, layout.get(), -logical.x, -logical.y);
  return mask;
}

}  // namespace callbot::recordings
