// recordings/text_mask.h: a line of text as a mask, in any script that an installed font has.
//
// Pango shapes it, FreeType draws it, Fontconfig finds the fonts.
//
// Thread:  one.
// Owner:   the caller.
// Fails:   never; where no font is installed, available() says so and every mask is empty.
#pragma once

#include <memory>
#include <string>

#include "recordings/canvas.h"

namespace callbot::recordings {

// One line: control and bidi characters taken out, white space a blank, at most 64 characters.
std::string line_of(const std::string& text);
// What stands for a person: the first letters of the first and the last word.
std::string initials_of(const std::string& name);

class TextMasks {
 public:
  TextMasks();
  ~TextMasks();

  bool available() const;
  // `pixels`: size of the font. What is wider ends in an ellipsis.
  Mask draw(const std::string& text, int pixels, int most_width, bool bold = false) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace callbot::recordings
