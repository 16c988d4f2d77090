// pipelines/gst_glue.h: GStreamer's callbacks as closures that own what they capture.
//
// Thread:  any; a handler runs on the thread that emits or pushes. For handlers on the loop see
//          base/signal.h.
// Owner:   the object connected to holds the closure until it dies or is disconnected.
// Fails:   make_element(): kInternal with the name of what is not installed.
#pragma once

#include <gst/gst.h>

#include <functional>

#include "base/error.h"
#include "base/gref.h"

// Its struct is GStreamer's own.
template <>
struct callbot::RefTraits<GstBufferList> {
  static void ref(GstBufferList* list) { gst_buffer_list_ref(list); }
  static void unref(GstBufferList* list) { gst_buffer_list_unref(list); }
};

namespace callbot::pipelines {

// `values[0]` is the emitter, `values[1]` the first argument.
using SignalNow = std::function<void(const GValue* values)>;
gulong on_signal_now(gpointer object, const char* name, SignalNow handler);

using Probe = std::function<GstPadProbeReturn(GstPadProbeInfo* info)>;
gulong add_probe(GstPad* pad, GstPadProbeType type, Probe probe);

Result<GRef<GstElement>> make_element(const char* factory, const char* name = nullptr);

// "nicesrc"; empty for elements without a factory.
const char* factory_name(GstElement* element);

}  // namespace callbot::pipelines
