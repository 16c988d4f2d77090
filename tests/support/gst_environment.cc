// Linked into every test program that uses GStreamer: starts it before the first test.
#include <gst/gst.h>
#include <gtest/gtest.h>

namespace callbot {
namespace {

class GstEnvironment : public ::testing::Environment {
 public:
  void SetUp() override { gst_init(nullptr, nullptr); }
};

const auto* const kEnvironment = ::testing::AddGlobalTestEnvironment(new GstEnvironment);

}  // namespace
}  // namespace callbot
