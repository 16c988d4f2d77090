// tests/support/key_ring.h: a key pair in files, and a ring without any key before and after.
//
// Thread:  one.
// Owner:   the test.
// Fails:   the test, through EXPECT.
#pragma once

#include <gtest/gtest.h>

#include "recordings/keys.h"
#include "tests/support/temp_folder.h"

namespace callbot::test {

class TestKeys {
 public:
  TestKeys() {
    recordings::KeyRing::ours().forget_all();
    auto made = recordings::make_key_pair(folder_.path() / "k");
    EXPECT_TRUE(made) << (made ? "" : made.error().message);
    if (made) pair = *made;
  }
  ~TestKeys() { recordings::KeyRing::ours().forget_all(); }
  TestKeys(const TestKeys&) = delete;
  TestKeys& operator=(const TestKeys&) = delete;

  // As another process, which wrote nothing: with the secret key, or without any.
  void take_secret() const {
    recordings::KeyRing::ours().forget_all();
    recordings::KeyRing::ours().add(secret());
  }
  static void take_none() { recordings::KeyRing::ours().forget_all(); }
  recordings::SecretKey secret() const {
    auto key = recordings::read_secret_key(pair.secret_file);
    EXPECT_TRUE(key) << (key ? "" : key.error().message);
    return key.value_or(recordings::SecretKey());
  }

 private:
  TempFolder folder_;

 public:
  recordings::KeyPair pair;
};

}  // namespace callbot::test
