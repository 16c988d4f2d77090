// scenarios/shape_rows.h: what the two files of the table of keys share.
//
// Thread:  any; constant.
// Owner:   the program.
// Fails:   never.
#pragma once

#include "scenarios/shapes.h"

namespace callbot::scenarios {

// What is sent; tests/bot/scenario_mistakes_test.cc holds them and pipelines/codecs.h together.
inline constexpr const char* kVideoCodecs[] = {"vp8", "vp9", "h264"};
inline constexpr const char* kAudioCodecs[] = {"opus"};
// What is received, from other programs too.
inline constexpr const char* kCodecs[] = {"vp8",  "vp9",  "h264", "h265", "av1",
                                          "opus", "pcmu", "pcma", "g722"};
inline constexpr const char* kOperators[] = {"<", "<=", ">", ">=", "==", "!="};
inline constexpr const char* kStreams[] = {"camera", "microphone", "screen"};

const Shape& network_shape();

}  // namespace callbot::scenarios
