# Writes OUT, a C++ source with recordings/report/'s style sheet and script.  cmake -DDIR= -DOUT= -P
set(parts "")
foreach(file style.css script.js)
  file(READ "${DIR}/${file}" hex HEX)
  string(LENGTH "${hex}" length)
  math(EXPR length "${length} / 2")
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${hex}")
  string(REGEX REPLACE "\\..*" "" name "${file}")
  string(APPEND parts "namespace {
constexpr char k_${name}[] = {${bytes}'\\0'};
}
std::string_view report_${name}() { return {k_${name}, ${length}}; }
")
endforeach()
file(WRITE "${OUT}" "#include \"recordings/report_files.h\"

namespace callbot::recordings {
${parts}
}  // namespace callbot::recordings
")
