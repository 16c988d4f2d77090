#include "pipelines/gst_log.h"

#include <fmt/format.h>
#include <gst/gst.h>

#include "base/gref.h"
#include "base/log.h"

namespace callbot::pipelines {
namespace {

LogLevel level_of(GstDebugLevel level) {
  if (level == GST_LEVEL_ERROR) return LogLevel::kError;
  if (level == GST_LEVEL_WARNING || level == GST_LEVEL_FIXME) return LogLevel::kWarning;
  return level == GST_LEVEL_INFO ? LogLevel::kInfo : LogLevel::kDebug;
}

// NOLINTNEXTLINE(readability-function-size): so many arguments has a GstLogFunction.
void write(GstDebugCategory* category, GstDebugLevel level, const char* file, const char* function,
           int line, GObject* object, GstDebugMessage* message, gpointer) {
  const LogLevel ours = level_of(level);
  if (!Log::shows(ours)) return;
  std::string who = gst_debug_category_get_name(category);
  // What logs while it is finalized has no references left, and takes no new one.
  const bool lives = object != nullptr && g_atomic_int_get(&object->ref_count) > 0;
  if (lives && GST_IS_OBJECT(object)) {
    const Text path(gst_object_get_path_string(GST_OBJECT(object)));
    who = fmt::format("{} {}", who, path.get());
  }
  log_from_library(
      ours, "gstreamer",
      fmt::format("{}: {} ({}:{} {})", who, gst_debug_message_get(message), file, line, function));
}

}  // namespace

void take_in_gst_log() {
  gst_debug_remove_log_function(gst_debug_log_default);
  gst_debug_remove_log_function(write);
  gst_debug_add_log_function(write, nullptr, nullptr);
  if (g_getenv("GST_DEBUG") == nullptr) gst_debug_set_default_threshold(GST_LEVEL_ERROR);
}

}  // namespace callbot::pipelines
