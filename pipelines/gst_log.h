// pipelines/gst_log.h: GStreamer's log goes into ours (base/log.h).
//
// Thread:  loop, once at start, after gst_init(); GStreamer logs from any thread.
// Owner:   the process.
// Fails:   never.
#pragma once

namespace callbot::pipelines {

// Replaces GStreamer's own output on standard error. What is logged follows GST_DEBUG (errors alone
// where that is not set), and of that what our own level lets through.
void take_in_gst_log();

}  // namespace callbot::pipelines
