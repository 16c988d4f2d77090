#include "pipelines/gst_log.h"

#include <gmock/gmock.h>
#include <gst/gst.h>

#include "base/log.h"

namespace callbot::pipelines {
namespace {

TEST(GstLog, GoesIntoOurs) {
  Log::configure({.level = LogLevel::kError});
  take_in_gst_log();
  GstDebugCategory* category = nullptr;
  GST_DEBUG_CATEGORY_GET(category, "default");
  testing::internal::CaptureStderr();
  GST_CAT_ERROR(category, "something broke: %d", 42);
  GST_CAT_INFO(category, "not worth saying");
  const std::string said = testing::internal::GetCapturedStderr();
  Log::configure({});
  EXPECT_THAT(said, testing::HasSubstr("something broke: 42"));
  EXPECT_THAT(said, testing::HasSubstr("gstreamer"));
  EXPECT_EQ(said.find("something broke"), said.rfind("something broke")) << "once, not twice";
  EXPECT_THAT(said, testing::Not(testing::HasSubstr("not worth saying")));
}

}  // namespace
}  // namespace callbot::pipelines
