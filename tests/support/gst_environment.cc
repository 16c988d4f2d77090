// gst_init() before the first test, for test programs that link this file.
#include <gst/gst.h>
#include <gtest/gtest.h>

namespace {

class GstEnvironment : public testing::Environment {
 public:
  void SetUp() override { gst_init(nullptr, nullptr); }
};

[[maybe_unused]] const auto* const kEnvironment =
    testing::AddGlobalTestEnvironment(std::make_unique<GstEnvironment>().release());

}  // namespace
