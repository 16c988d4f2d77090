#include "pipelines/glyphs.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

namespace callbot::pipelines {
namespace {

// A glyph is drawn on a grid: capitals reach from y = 0 to the base line at y = e (14), small
// letters begin at 4, descenders end at i (18). Coordinates are one character each, 0-9 and a-z.
//   Mxy move   Lxy line   Dxy dot   Qxyxy curve around the first point to the second
//   Hxy quarter of an ellipse that leaves level and arrives upright   Vxy the other way round
struct Glyph {
  char32_t character;
  int width;
  const char* strokes;
};

constexpr int kCapital = 14;
constexpr double kGap = 3.4;    // between glyphs, grid units
constexpr double kSpace = 3.0;  // a blank, and a gap on each side

constexpr Glyph kGlyphs[] = {
    {'0', 8, "M40H84L8aV4eH0aL04V40"},
    {'1', 8, "M14L50L5e"},
    {'2', 8, "M04V40H84Q8769L0eL8e"},
    {'3', 8, "M03V40H73V46L36M46H8aV4eH0b"},
    {'4', 8, "M6eL60L0aL8a"},
    {'5', 8, "M70L10L06Q2545H89L8aV4eH0b"},
    {'6', 8, "M46H8aV4eH0aV46M0aL09V70"},
    {'7', 8, "M00L80L3e"},
    {'8', 8, "M40H73V46H13V40M46H8aV4eH0aV46"},
    {'9', 8, "M40H84V48H04V40M84L85V1e"},
    {'A', 10, "M0eL50LaeM29L89"},
    {'B', 9, "M06L56H9aV5eL0eL00L50H83V56"},
    {'C', 9, "M93V50H05L09V5eH9b"},
    {'D', 9, "M00L0eL4eH99L95V40L00"},
    {'E', 8, "M80L00L0eL8eM07L67"},
    {'F', 8, "M80L00L0eM07L67"},
    {'G', 9, "M93V50H05L09V5eH99L98L58"},
    {'H', 9, "M00L0eM90L9eM07L97"},
    {'I', 2, "M10L1e"},
    {'J', 6, "M60L6aV3eH0b"},
    {'K', 8, "M00L0eM80L08M35L8e"},
    {'L', 7, "M00L0eL7e"},
    {'M', 10, "M0eL00L58La0Lae"},
    {'N', 9, "M0eL00L9eL90"},
    {'O', 10, "M50Ha5La9V5eH09L05V50"},
    {'P', 9, "M0eL00L50H94V58L08"},
    {'Q', 10, "M50Ha5La9V5eH09L05V50M6aLae"},
    {'R', 9, "M0eL00L50H94V58L08M58L9e"},
    {'S', 8, "M83V40H03V47H8bV4eH0b"},
    {'T', 10, "M00La0M50L5e"},
    {'U', 10, "M00L09V5eHa9La0"},
    {'V', 10, "M00L5eLa0"},
    {'W', 14, "M00L3eL72LbeLe0"},
    {'X', 9, "M00L9eM90L0e"},
    {'Y', 10, "M00L57La0M57L5e"},
    {'Z', 9, "M00L90L0eL9e"},
    {'a', 8, "M44H89V4eH09V44M84L8e"},
    {'b', 8, "M00L0eM44H89V4eH09V44"},
    {'c', 8, "M86V44H09V4eH8c"},
    {'d', 8, "M80L8eM44H89V4eH09V44"},
    {'e', 8, "M09L89V44H09V4eQ6e8c"},
    {'f', 6, "M60H33L3eM04L64"},
    {'g', 8, "M44H89V4eH09V44M84L8eV4iH0g"},
    {'h', 8, "M00L0eM08V44H88L8e"},
    {'i', 2, "M14L1eD10"},
    {'j', 3, "M34L3fV0iD30"},
    {'k', 7, "M00L0eM74L0aM38L7e"},
    {'l', 3, "M10L1cV3e"},
    {'m', 12, "M04L0eM07V34H67L6eM67V94Hc7Lce"},
    {'n', 8, "M04L0eM08V44H88L8e"},
    {'o', 8, "M44H89V4eH09V44"},
    {'p', 8, "M04L0iM44H89V4eH09V44"},
    {'q', 8, "M84L8iM44H89V4eH09V44"},
    {'r', 5, "M04L0eM08V44L54"},
    {'s', 7, "M76V44L34H06V39L49H7bV4eL3eH0c"},
    {'t', 6, "M30L3bV6eM04L64"},
    {'u', 8, "M04L0aV4eH8aM84L8e"},
    {'v', 8, "M04L4eL84"},
    {'w', 12, "M04L3eL66L9eLc4"},
    {'x', 8, "M04L8eM84L0e"},
    {'y', 8, "M04L4eM84L3gQ2i0i"},
    {'z', 8, "M04L84L0eL8e"},
    {'.', 2, "D1e"},
    {',', 2, "M1eL0h"},
    {':', 2, "D14D1c"},
    {';', 2, "D15M1eL0h"},
    {'!', 2, "M10L19D1e"},
    {'?', 8, "M03V40H84Q8748L49D4e"},
    {'\'', 2, "M10L13"},
    {'"', 5, "M10L13M40L43"},
    {'-', 5, "M08L58"},
    {'_', 8, "M0gL8g"},
    {'+', 8, "M44L4cM08L88"},
    {'=', 8, "M06L86M0aL8a"},
    {'*', 8, "M43L4bM15L79M75L19"},
    {'/', 7, "M0eL70"},
    {'\\', 7, "M00L7e"},
    {'|', 2, "M10L1h"},
    {'(', 3, "M30Q0207Q0c3e"},
    {')', 3, "M00Q3237Q3c0e"},
    {'[', 3, "M30L00L0eL3e"},
    {']', 3, "M00L30L3eL0e"},
    {'{', 4, "M40H23L25V07H29L2bV4e"},
    {'}', 4, "M00H23L25V47H29L2bV0e"},
    {'<', 7, "M72L08L7e"},
    {'>', 7, "M02L78L0e"},
    {'#', 9, "M30L2eM70L6eM04L94M0aL9a"},
    {'%', 9, "M0eL90M20H42V24H02V20M7aH9cV7eH5cV7a"},
    {'&', 9, "M9eL24L23V40H63Q6537Q080bV3eQ7e98"},
    {'@', 12, "M64H97V6aH37V64M94L98Q9aaaQcac7V61H07V6dL9d"},
    {'$', 8, "M83V41H04V47H8aV4dH0bM40L4e"},
    {'~', 8, "M09Q0626Q4648Q4a6aQ8a87"},
    {'^', 6, "M03L30L63"},
    {'`', 2, "M00L13"},
    {U'\u00b0', 4, "M20H42V24H02V20"},  // degree
    {U'\u00b7', 2, "D18"},              // middle dot
    {U'\u00d7', 8, "M05L8dM85L0d"},     // times
    {U'\u2013', 7, "M08L78"},           // dashes
    {U'\u2014', 10, "M08La8"},
    {U'\u2018', 2, "M10L13"},  // quotation marks
    {U'\u2019', 2, "M10L13"},
    {U'\u201c', 5, "M10L13M40L43"},
    {U'\u201d', 5, "M10L13M40L43"},
    {U'\u2026', 10, "D1eD5eD9e"},  // ellipsis
};

constexpr Glyph kBox = {0, 8, "M00L80L8eL0eL00"};

const Glyph& glyph_of(char32_t character) {
  for (const Glyph& glyph : kGlyphs)
    if (glyph.character == character) return glyph;
  return kBox;
}

// The next character of the text, which gets shorter; 0xfffd for bytes that are no UTF-8.
char32_t take_character(std::string_view& text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const int more = first < 0x80 ? 0 : first >> 5 == 6 ? 1 : first >> 4 == 14 ? 2 : 3;
  const bool valid = first < 0x80 || (first >= 0xc2 && first <= 0xf4);
  if (!valid || text.size() <= static_cast<size_t>(more)) {
    text.remove_prefix(1);
    return 0xfffd;
  }
  char32_t character = more == 0 ? first : first & (0x3f >> more);
  for (int i = 1; i <= more; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if (next >> 6 != 2) {
      text.remove_prefix(1);
      return 0xfffd;
    }
    character = character << 6 | (next & 0x3f);
  }
  text.remove_prefix(more + 1);
  return character;
}

double advance_of(char32_t character) {
  return (character == ' ' ? kSpace : glyph_of(character).width) + kGap;
}

struct Point {
  double x, y;
};
struct Segment {
  Point from, to;
};

int coordinate(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

// Turns the strokes of one glyph into straight pieces, on the grid.
std::vector<Segment> segments_of(const char* strokes) {
  constexpr int kPieces = 12;  // of a curve
  std::vector<Segment> segments;
  Point pen{0, 0};
  const auto point = [&](const char* at) {
    return Point{static_cast<double>(coordinate(at[0])), static_cast<double>(coordinate(at[1]))};
  };
  const auto line_to = [&](Point to) {
    segments.push_back({pen, to});
    pen = to;
  };
  for (const char* at = strokes; *at != 0;) {
    const char command = *at;
    const Point start = pen, to = point(at + 1);
    at += 3;
    if (command == 'M' || command == 'D') pen = to;
    if (command == 'L' || command == 'D') line_to(to);
    if (command == 'Q') {
      const Point end = point(at);
      at += 2;
      for (int i = 1; i <= kPieces; ++i) {
        const double t = static_cast<double>(i) / kPieces, s = 1 - t;
        line_to({s * s * start.x + 2 * s * t * to.x + t * t * end.x,
                 s * s * start.y + 2 * s * t * to.y + t * t * end.y});
      }
    }
    if (command == 'H' || command == 'V')
      for (int i = 1; i <= kPieces; ++i) {
        const double angle = std::numbers::pi / 2 * i / kPieces;
        const double soon = std::sin(angle), late = 1 - std::cos(angle);
        line_to({start.x + (to.x - start.x) * (command == 'H' ? soon : late),
                 start.y + (to.y - start.y) * (command == 'H' ? late : soon)});
      }
  }
  return segments;
}

double distance_to(const Segment& segment, double x, double y) {
  const double dx = segment.to.x - segment.from.x, dy = segment.to.y - segment.from.y;
  const double length = dx * dx + dy * dy;
  const double along = (x - segment.from.x) * dx + (y - segment.from.y) * dy;
  const double t = length > 0 ? std::clamp(along / length, 0.0, 1.0) : 0;
  return std::hypot(x - segment.from.x - t * dx, y - segment.from.y - t * dy);
}

// Covers the pixels near one straight piece; `radius` is half its width.
void stroke(Mask& mask, const Segment& segment, double radius) {
  const double reach = radius + 1;
  const auto clip = [](double value, int limit) {
    return std::clamp(static_cast<int>(value), 0, limit);
  };
  const auto [left, right] = std::minmax(segment.from.x, segment.to.x);
  const auto [top, bottom] = std::minmax(segment.from.y, segment.to.y);
  const int to_x = clip(right + reach + 1 - mask.left, mask.width);
  const int to_y = clip(bottom + reach + 1 - mask.top, mask.height);
  for (int y = clip(top - reach - mask.top, mask.height); y < to_y; ++y)
    for (int x = clip(left - reach - mask.left, mask.width); x < to_x; ++x) {
      const double outside = distance_to(segment, mask.left + x + 0.5, mask.top + y + 0.5) - radius;
      uint8_t& cover = mask.luma[static_cast<size_t>(y) * mask.width + x];
      cover = std::max(cover, static_cast<uint8_t>(255 * std::clamp(0.5 - outside, 0.0, 1.0)));
    }
}

}  // namespace

double text_width(std::string_view utf8, const TextStyle& style) {
  double width = 0;
  while (!utf8.empty()) width += advance_of(take_character(utf8));
  return width > 0 ? (width - kGap) * style.height / kCapital : 0;
}

Mask text_mask(std::string_view utf8, const TextStyle& style) {
  const double unit = style.height / kCapital;
  const double radius = std::max(style.height * style.weight / 2, 0.55);
  Mask mask = shape(-radius, -radius, text_width(utf8, style) + radius, 18 * unit + radius,
                    [](double, double) { return 1; });
  double pen = 0;
  while (!utf8.empty()) {
    const char32_t character = take_character(utf8);
    if (character != ' ')
      for (Segment segment : segments_of(glyph_of(character).strokes)) {
        for (Point* point : {&segment.from, &segment.to})
          *point = {(pen + point->x) * unit, point->y * unit};
        stroke(mask, segment, radius);
      }
    pen += advance_of(character);
  }
  fill_chroma(mask);
  return mask;
}

std::string fitting(std::string_view utf8, const TextStyle& style, double width) {
  if (text_width(utf8, style) <= width) return std::string(utf8);
  std::string cut;
  while (!utf8.empty()) {
    const std::string_view before = utf8;
    take_character(utf8);
    const std::string longer = cut + std::string(before.substr(0, before.size() - utf8.size()));
    if (text_width(longer + "\u2026", style) > width) break;
    cut = longer;
  }
  return cut + "\u2026";
}

}  // namespace callbot::pipelines
