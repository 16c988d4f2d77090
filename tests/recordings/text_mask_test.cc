#include "recordings/text_mask.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace callbot::recordings {
namespace {

size_t inked(const Mask& mask) {
  return static_cast<size_t>(
      std::count_if(mask.alpha.begin(), mask.alpha.end(), [](uint8_t a) { return a > 128; }));
}

TEST(TextMask, ALineHasNothingInItThatChangesOtherText) {
  EXPECT_EQ(line_of("Alice\u202Egpj.exe"), "Alicegpj.exe");
  EXPECT_EQ(line_of("\u2066a\u2069\u200F\u061Cb\uFEFF"), "ab");
  EXPECT_EQ(line_of(" a\n\tb\x07\x1b c "), "a b c");
  EXPECT_EQ(line_of("\xff\xfe"), "\uFFFD\uFFFD");
  EXPECT_EQ(line_of(std::string(1000, 'x')).size(), 64u);
  EXPECT_EQ(line_of("می\u200Cخواهم"), "می\u200Cخواهم");  // a joiner is part of the word
  EXPECT_EQ(line_of(""), "");
}

TEST(TextMask, InitialsAreOfTheFirstAndTheLastWord) {
  EXPECT_EQ(initials_of("Alice"), "A");
  EXPECT_EQ(initials_of("alice van dyke"), "AD");
  EXPECT_EQ(initials_of("  (Émile) Żak"), "ÉŻ");
  EXPECT_EQ(initials_of("Анна Каренина"), "АК");
  EXPECT_EQ(initials_of("محمد العربي"), "م");
  EXPECT_EQ(initials_of("!!!"), "");
  EXPECT_EQ(initials_of(""), "");
}

TEST(TextMask, DrawsLatinGreekCyrillicArabicAndHebrew) {
  const TextMasks text;
  ASSERT_TRUE(text.available());
  for (const char* name : {"Alice", "Ελένη", "Анна", "محمد", "שרה"}) {
    const Mask mask = text.draw(name, 20, 300);
    EXPECT_GT(inked(mask), 80u) << name;
    EXPECT_GT(mask.height, 15) << name;
    EXPECT_LE(mask.height, 40) << name;
  }
}

TEST(TextMask, WhatIsTooWideEndsInAnEllipsis) {
  const TextMasks text;
  const Mask mask = text.draw("A very long name that nobody can have", 20, 120);
  EXPECT_LE(mask.width, 120);
  EXPECT_GT(mask.width, 80);
  EXPECT_GT(inked(mask), 100u);
}

TEST(TextMask, NoTextIsNoMask) {
  const TextMasks text;
  EXPECT_TRUE(text.draw("", 20, 100).alpha.empty());
  EXPECT_TRUE(text.draw("\u202E\x01", 20, 100).alpha.empty());
  EXPECT_TRUE(text.draw("Alice", 20, 3).alpha.empty());
}

}  // namespace
}  // namespace callbot::recordings
