#include "tests/support/program.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sstream>

namespace callbot::test {
namespace {

constexpr uint64_t kMostOutput = 8u << 20;

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> all;
  for (std::string& word : words) all.push_back(word.data());
  all.push_back(nullptr);
  return all;
}

}  // namespace

std::vector<std::string> Program::callbot(std::vector<std::string> words) {
  words.insert(words.begin(), CALLBOT_PROGRAM);
  words.insert(words.end(), {"--log", "json"});
  return words;
}

Program::Program(Loop& loop, std::vector<std::string> words,
                 std::map<std::string, std::string> environment)
    : loop_(loop), log_(folder_.path() / "output") {
  std::vector<std::string> variables;
  for (char** v = environ; *v != nullptr; ++v) {
    const std::string variable = *v;
    if (!environment.contains(variable.substr(0, variable.find('='))))
      variables.push_back(variable);
  }
  for (const auto& [name, value] : environment) variables.push_back(name + "=" + value);

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, log_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&files, 1, 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  const int error = posix_spawnp(&pid_, words[0].c_str(), &files, &attributes,
                                 pointers(words).data(), pointers(variables).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (error != 0) {
    pid_ = 0;
    status_ = 127;
  }
}

Program::~Program() {
  if (pid_ == 0) return;
  kill(-pid_, SIGKILL);
  if (!status_) waitpid(pid_, nullptr, 0);
}

void Program::signal(int number) const {
  if (pid_ != 0 && !status_) kill(pid_, number);
}

void Program::look() {
  int status = 0;
  if (status_ || waitpid(pid_, &status, WNOHANG) != pid_) return;
  status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool Program::running() {
  look();
  return !status_;
}

int Program::wait(std::chrono::milliseconds deadline) {
  loop_.run_until([this] { return !running(); }, deadline);
  return status_.value_or(kHangs);
}

std::string Program::output() const { return read_file(log_, kMostOutput).value_or(""); }

std::vector<Json> Program::events(const std::string& name) const {
  std::vector<Json> found;
  std::istringstream lines(output());
  for (std::string line; std::getline(lines, line);) {
    const auto json = Json::parse(line);
    if (json && json->at("event").text() == name) found.push_back(*json);
  }
  return found;
}

Json Program::event(const std::string& name, size_t n, std::chrono::milliseconds deadline) {
  std::vector<Json> found;
  loop_.run_until(
      [&] {
        const bool ended = !running();  // looked at first: what it said last counts
        found = events(name);
        return found.size() >= n || ended;
      },
      deadline);
  return found.size() >= n ? found[n - 1] : Json();
}

}  // namespace callbot::test
