#include "base/html.h"

#include <gtest/gtest.h>

#include "base/files.h"

namespace callbot {
namespace {

TEST(Html, EscapesWhatHasAMeaning) {
  EXPECT_EQ(html("<a href='x'>\"&\""), "&lt;a href=&#39;x&#39;&gt;&quot;&amp;&quot;");
  EXPECT_EQ(html("Ångström 日本"), "Ångström 日本");
}

TEST(Html, MakesTheInvisibleVisibleAndCuts) {
  EXPECT_EQ(html("a\u202eb\n"), "a\\u202eb\\u000a");
  EXPECT_EQ(html("abcdef", 3), "abc…");
  EXPECT_EQ(html("\xff\xfe"), "��");
  // Cut before it is escaped: never in the middle of an entity.
  EXPECT_EQ(html("<<<<", 2), "&lt;&lt;…");
}

TEST(Html, ALinkIsOnlyAPath) {
  EXPECT_EQ(html_link("media/alice-1.mkv"), "media/alice-1.mkv");
  EXPECT_EQ(html_link("a b/\"x\"#?&javascript:ü"), "a%20b/%22x%22%23%3F%26javascript%3A%C3%BC");
}

TEST(Html, DataAndHashesAreBase64) {
  EXPECT_EQ(data_url("image/jpeg", std::string("\0\1\2", 3)), "data:image/jpeg;base64,AAEC");
  // printf 'alert(1)' | openssl dgst -sha256 -binary | base64
  EXPECT_EQ(csp_hash("alert(1)"), "'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='");
}

}  // namespace
}  // namespace callbot
