# Writes OUT, a C++ source with the files FILES ("style.css script.js") of DIR as functions
# PREFIX_style(), PREFIX_script() of NAMESPACE, declared in HEADER.
#   cmake -DDIR= "-DFILES=" -DPREFIX= -DNAMESPACE= -DHEADER= -DOUT= -P
separate_arguments(FILES)
set(parts "")
foreach(file ${FILES})
  file(READ "${DIR}/${file}" hex HEX)
  string(LENGTH "${hex}" length)
  math(EXPR length "${length} / 2")
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${hex}")
  string(REGEX REPLACE "\\..*" "" name "${file}")
  string(APPEND parts "namespace {
constexpr char k_${name}[] = {${bytes}'\\0'};
}
std::string_view ${PREFIX}_${name}() { return {k_${name}, ${length}}; }
")
endforeach()
file(WRITE "${OUT}" "#include \"${HEADER}\"

namespace ${NAMESPACE} {
${parts}
}  // namespace ${NAMESPACE}
")
