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

TEST(GstLog, AnObjectThatIsGoingIsNotTouched) {
  gst_init(nullptr, nullptr);
  Log::configure({.level = LogLevel::kError});
  take_in_gst_log();
  GstElement* element = gst_element_factory_make("fakesink", nullptr);
  ASSERT_NE(element, nullptr);
  gst_object_ref_sink(element);
  // Told while it is finalized.
  g_object_set_data_full(G_OBJECT(element), "last-words", element, [](gpointer going) {
    GstDebugCategory* category = nullptr;
    GST_DEBUG_CATEGORY_GET(category, "default");
    GST_CAT_ERROR_OBJECT(category, going, "my last words");
  });
  testing::internal::CaptureStderr();
  gst_object_unref(element);
  const std::string said = testing::internal::GetCapturedStderr();
  Log::configure({});
  EXPECT_THAT(said, testing::HasSubstr("my last words"));
  EXPECT_THAT(said, testing::Not(testing::HasSubstr("assertion")));
}

}  // namespace
}  // namespace callbot::pipelines
