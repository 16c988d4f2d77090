#include "bot/key.h"

#include <vector>

#include "base/print.h"
#include "recordings/growing_file.h"
#include "recordings/sealed_file.h"

namespace callbot::bot {
namespace {

Result<> copy(recordings::ReadableFile& from, recordings::GrowingFile& to) {
  std::vector<uint8_t> bytes(size_t{64} * 1024);
  for (uint64_t at = 0; at < from.size();) {
    const auto got = from.read(at, bytes);
    if (!got) return tl::unexpected(got.error());
    if (!to.write({bytes.data(), *got})) return tl::unexpected(to.failure());
    at += *got;
  }
  return to.end();
}

}  // namespace

ExitStatus run_key(const KeyOptions& options) {
  const auto pair = recordings::make_key_pair(options.name);
  if (!pair) return tell_on_disk(pair.error());
  print("{}: for --encrypt-to\n{}: for --key; keep it secret, and a copy of it\n",
        pair->public_file.string(), pair->secret_file.string());
  return kExitGood;
}

ExitStatus run_unseal(const UnsealOptions& options) {
  // Whatever its name: of a file that did not arrive whole it ends in .part.
  auto from = recordings::ReadableFile::open_as_it_is(options.file).and_then([&](auto disk) {
    return recordings::open_sealed(std::move(disk), options.file.string(),
                                   recordings::Damaged::kRefuse);
  });
  if (!from) return tell_on_disk(from.error());
  auto to = recordings::GrowingFile::create({.path = options.out});
  if (!to) return tell_on_disk(to.error());
  if (auto copied = copy(**from, **to); !copied) {
    std::error_code ignored;
    fs::remove(options.out, ignored);
    return tell_on_disk(copied.error());
  }
  if (!(*from)->ended())
    print_error("callbot: {}: was cut off: not all of it may be there\n", options.file.string());
  return (*from)->ended() ? kExitGood : kExitNotGood;
}

}  // namespace callbot::bot
