// For test programs that link this file: gst_init() before the first test, and no pipeline left
// over when the process exits.
#include <gst/gst.h>
#include <gtest/gtest.h>

#include "pipelines/rtc_bin.h"

namespace {

class GstEnvironment : public testing::Environment {
 public:
  void SetUp() override { gst_init(nullptr, nullptr); }
  void TearDown() override {
    callbot::pipelines::RtcBin::wait_for_ends(std::chrono::seconds(10));
    EXPECT_EQ(callbot::pipelines::RtcBin::ending(), 0);
  }
};

[[maybe_unused]] const auto* const kEnvironment =
    testing::AddGlobalTestEnvironment(std::make_unique<GstEnvironment>().release());

}  // namespace
