#include "pipelines/gst_glue.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

namespace callbot::pipelines {
namespace {

struct NowClosure {
  GClosure closure;  // first: GLib allocates and casts
  SignalNow* handler;
};

void marshal(GClosure* closure, GValue*, guint, const GValue* values, gpointer, gpointer) {
  (*reinterpret_cast<NowClosure*>(closure)->handler)(values);
}

void finalize(gpointer, GClosure* closure) {
  delete reinterpret_cast<NowClosure*>(closure)->handler;
}

GstPadProbeReturn call_probe(GstPad*, GstPadProbeInfo* info, gpointer probe) {
  return (*static_cast<Probe*>(probe))(info);
}

void delete_probe(gpointer probe) { delete static_cast<Probe*>(probe); }

}  // namespace

gulong on_signal_now(gpointer object, const char* name, SignalNow handler) {
  GClosure* closure = g_closure_new_simple(sizeof(NowClosure), nullptr);
  reinterpret_cast<NowClosure*>(closure)->handler =
      std::make_unique<SignalNow>(std::move(handler)).release();
  g_closure_add_finalize_notifier(closure, nullptr, finalize);
  g_closure_set_marshal(closure, marshal);
  return g_signal_connect_closure(object, name, closure, FALSE);
}

gulong add_probe(GstPad* pad, GstPadProbeType type, Probe probe) {
  return gst_pad_add_probe(pad, type, call_probe,
                           std::make_unique<Probe>(std::move(probe)).release(), delete_probe);
}

Result<GRef<GstElement>> make_element(const char* factory, const char* name) {
  auto element = GRef<GstElement>::sink(gst_element_factory_make(factory, name));
  if (!element) return fail(Code::kInternal, fmt::format("no GStreamer element {}", factory));
  return element;
}

const char* factory_name(GstElement* element) {
  GstElementFactory* factory = gst_element_get_factory(element);
  return factory != nullptr ? GST_OBJECT_NAME(factory) : "";
}

}  // namespace callbot::pipelines
