#include "pipelines/stun.h"

#include <gmock/gmock.h>
#include <stun/usages/ice.h>

#include <cstring>

namespace callbot::pipelines {
namespace {

StunCheck some_check() {
  StunCheck check;
  check.remote_ufrag = "remo";
  check.local_ufrag = "local";
  check.remote_password = "remotepasswordofsomelength";
  check.controlling = true;
  check.tie_breaker = 0x1122334455667788;
  check.priority = 0x6effffff;
  check.transaction = "abcdefghijkl";
  return check;
}

// libnice as the judge: its agent checks length, fingerprint and message integrity.
StunValidationStatus judged(std::string packet, const std::string& password, StunMessage* message) {
  static const uint16_t known[] = {STUN_ATTRIBUTE_USERNAME,
                                   STUN_ATTRIBUTE_PRIORITY,
                                   STUN_ATTRIBUTE_ICE_CONTROLLING,
                                   STUN_ATTRIBUTE_ICE_CONTROLLED,
                                   STUN_ATTRIBUTE_MESSAGE_INTEGRITY,
                                   STUN_ATTRIBUTE_FINGERPRINT,
                                   0};
  static StunAgent agent;
  stun_agent_init(&agent, known, STUN_COMPATIBILITY_RFC5389,
                  static_cast<StunAgentUsageFlags>(STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS |
                                                   STUN_AGENT_USAGE_USE_FINGERPRINT));
  static std::string bytes;
  bytes = std::move(packet);
  StunDefaultValidaterData users[] = {
      {reinterpret_cast<uint8_t*>(const_cast<char*>("remo:local")), 10,
       reinterpret_cast<uint8_t*>(const_cast<char*>(password.data())), password.size()},
      {nullptr, 0, nullptr, 0}};
  return stun_agent_validate(&agent, message, reinterpret_cast<uint8_t*>(bytes.data()),
                             bytes.size(), stun_agent_default_validater, users);
}

TEST(Stun, AnIceAgentTakesTheRequest) {
  const StunCheck check = some_check();
  StunMessage message;
  ASSERT_EQ(judged(binding_request(check), check.remote_password, &message),
            STUN_VALIDATION_SUCCESS);
  EXPECT_EQ(stun_message_get_class(&message), STUN_REQUEST);
  EXPECT_EQ(stun_message_get_method(&message), STUN_BINDING);
  uint32_t priority = 0;
  EXPECT_EQ(stun_message_find32(&message, STUN_ATTRIBUTE_PRIORITY, &priority),
            STUN_MESSAGE_RETURN_SUCCESS);
  EXPECT_EQ(priority, check.priority);
  uint64_t tie = 0;
  EXPECT_EQ(stun_message_find64(&message, STUN_ATTRIBUTE_ICE_CONTROLLING, &tie),
            STUN_MESSAGE_RETURN_SUCCESS);
  EXPECT_EQ(tie, check.tie_breaker);
}

TEST(Stun, TheControlledSideSaysThatItIs) {
  StunCheck check = some_check();
  check.controlling = false;
  StunMessage message;
  ASSERT_EQ(judged(binding_request(check), check.remote_password, &message),
            STUN_VALIDATION_SUCCESS);
  uint64_t tie = 0;
  EXPECT_EQ(stun_message_find64(&message, STUN_ATTRIBUTE_ICE_CONTROLLED, &tie),
            STUN_MESSAGE_RETURN_SUCCESS);
}

TEST(Stun, AnotherPasswordDoesNotFit) {
  StunMessage message;
  EXPECT_EQ(judged(binding_request(some_check()), "anotherpassword", &message),
            STUN_VALIDATION_UNAUTHORIZED);
}

}  // namespace
}  // namespace callbot::pipelines
