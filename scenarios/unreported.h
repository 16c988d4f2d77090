// scenarios/unreported.h: what is known by the other end's RTCP reports alone (send.loss, rtp.rtt)
// is not known where they stayed away, which they do just where something is lost: rtpsession sends
// early feedback in their place, and that carries no report blocks.
//
// A report is due while both were in the call and something was sent (send.bitrate), from the first
// one on. Where none came for 60 % of that time, or for 8 s or 80 % where it is short, the series
// does not tell of the window (our choice).
//
// Thread:  any.
// Fails:   never: series that are folded (of more than 512 samples) are taken to tell of it.
#pragma once

#include <string>

#include "scenarios/evidence.h"

namespace callbot::scenarios {

// Why this series says nothing of the window; empty: it does, or is of no reports.
std::string unreported(const Series& series, const TimeWindow& window, const Evidence& evidence);

}  // namespace callbot::scenarios
