// sample_run FILE.html [PICTURE.jpg]: the page of an invented run, to look at.
#include <fmt/core.h>

#include "base/files.h"
#include "tests/support/invented_run.h"

int main(int argc, char** argv) {
  using namespace callbot;
  if (argc < 2) return 2;
  const auto pictures = [&](const scenarios::FileFact&) -> std::optional<std::string> {
    const auto bytes = argc > 2 ? read_file(argv[2], 1u << 20) : Result<std::string>("");
    return bytes && !bytes->empty() ? std::optional(*bytes) : std::nullopt;
  };
  const auto run = test::invented_run();
  fmt::print("{}\n", scenarios::report_text(run));
  const auto written =
      write_atomically(argv[1], scenarios::report_html(test::invented_scenario(), run, pictures));
  return written ? 0 : 1;
}
