#include "bot/subprocess.h"

#include <gtest/gtest.h>

#include "base/gref.h"
#include "base/loop.h"

namespace callbot::bot {
namespace {

TEST(Subprocess, ItsEndIsToldOnceWhoeverHoldsIt) {
  Loop loop;
  const char* argv[] = {"/bin/sh", "-c", "exit 3", nullptr};
  auto process =
      GRef<GSubprocess>::adopt(g_subprocess_newv(argv, G_SUBPROCESS_FLAGS_NONE, nullptr));
  ASSERT_TRUE(process);
  GSubprocess* held = process.get();
  int ends = 0, status = 0;
  when_ended(held, [&] {
    ++ends;
    status = g_subprocess_get_exit_status(held);
  });
  process = nullptr;
  EXPECT_TRUE(loop.run_until([&] { return ends > 0; }, std::chrono::seconds(10)));
  EXPECT_EQ(ends, 1);
  EXPECT_EQ(status, 3);
}

}  // namespace
}  // namespace callbot::bot
