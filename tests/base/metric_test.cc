#include "base/metric.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace callbot {
namespace {

TEST(Metrics, EachHasANameOfItsOwnAUnitAndADefinition) {
  std::set<std::string> names;
  for (const Metric& m : metrics()) {
    EXPECT_TRUE(names.insert(m.name).second) << m.name;
    EXPECT_STRNE(m.unit, "") << m.name;
    EXPECT_STRNE(m.what, "") << m.name;
  }
  EXPECT_GT(names.size(), 50u);
}

TEST(Metrics, WhatLastsIsInSecondsAndAShareIsOfACount) {
  for (const Metric& m : metrics()) {
    if (m.kind == MetricKind::kSpan) {
      EXPECT_STREQ(m.unit, "s") << m.name;
    }
    if (m.share[0] == '\0') continue;
    EXPECT_EQ(m.kind, MetricKind::kCount) << m.name;
    const Metric* whole = find_metric(m.share);
    ASSERT_NE(whole, nullptr) << m.name << " is a share of " << m.share;
    EXPECT_EQ(whole->kind, MetricKind::kCount) << m.name;
  }
}

TEST(Metrics, HowCloselyOneLooksFitsWhatItIsMeasuredBy) {
  for (const Metric& m : metrics()) {
    const bool unlooked = m.source == MetricSource::kSender || m.source == MetricSource::kSignaling;
    EXPECT_TRUE(!unlooked || m.looks == Looks::kNone) << m.name;
    EXPECT_TRUE(m.source != MetricSource::kMark || m.looks >= Looks::kRotate) << m.name;
    EXPECT_TRUE(m.source != MetricSource::kJitterbuffer || m.looks == Looks::kHeaders) << m.name;
  }
  const auto looks = [](const char* name) { return find_metric(name)->looks; };
  EXPECT_EQ(looks("join.ice"), Looks::kNone);
  EXPECT_EQ(looks("rtp.rtt"), Looks::kNone);
  EXPECT_EQ(looks("rtp.loss"), Looks::kHeaders);
  EXPECT_EQ(looks("video.freeze"), Looks::kHeaders);
  EXPECT_EQ(looks("audio.concealed"), Looks::kHeaders);
  EXPECT_EQ(looks("video.decoded"), Looks::kRotate);
  EXPECT_EQ(looks("audio.level"), Looks::kRotate);
  EXPECT_EQ(looks("recovery_time"), Looks::kAll);
  EXPECT_STREQ(expected_of(Looks::kHeaders), "verify: headers, rotate or all");
}

TEST(Metrics, IsFoundByItsName) {
  ASSERT_NE(find_metric("av.skew"), nullptr);
  EXPECT_STREQ(find_metric("av.skew")->unit, "s");
  EXPECT_EQ(find_metric("av.ske"), nullptr);
  EXPECT_STREQ(towards("send.loss"), " to ");
  EXPECT_STREQ(towards("rtp.loss"), " from ");
  EXPECT_EQ(find_metric(""), nullptr);
}

}  // namespace
}  // namespace callbot
