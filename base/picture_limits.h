// base/picture_limits.h: what a picture that is sent can be: said by the schema of scenarios, held
// by who draws and encodes it.
//
// Thread:  any; constant.
// Owner:   the program.
// Fails:   never.
#pragma once

namespace callbot {

// Of the test pattern, pixels: what its mark and its text need, and what fits the usual levels.
inline constexpr int kNarrowestPicture = 160, kLowestPicture = 90;
inline constexpr int kWidestPicture = 1920, kHighestPicture = 1920;
inline constexpr int kMostFps = 60;
inline constexpr int kLeastBitrate = 10'000, kMostBitrate = 100'000'000;  // bit/s, of any picture

}  // namespace callbot
