# Writes OUT, a C++ source with the FILES below DIR as constants.  cmake -DDIR= -DFILES= -DOUT= -P
set(arrays "")
set(rows "")
set(n 0)
string(REPLACE "," ";" FILES "${FILES}")
foreach(file IN LISTS FILES)
  file(READ "${DIR}/${file}" hex HEX)
  string(LENGTH "${hex}" length)
  math(EXPR length "${length} / 2")
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${hex}")
  get_filename_component(ending "${file}" LAST_EXT)
  if(ending STREQUAL ".html")
    set(type "text/html; charset=utf-8")
  elseif(ending STREQUAL ".css")
    set(type "text/css; charset=utf-8")
  elseif(ending STREQUAL ".js")
    set(type "text/javascript; charset=utf-8")
  elseif(ending STREQUAL ".svg")
    set(type "image/svg+xml")
  else()
    message(FATAL_ERROR "bot/web/${file}: no content type for ${ending}")
  endif()
  string(APPEND arrays "constexpr char kFile${n}[] = {${bytes}'\\0'};\n")
  string(APPEND rows "    {\"${file}\", \"${type}\", {kFile${n}, ${length}}},\n")
  math(EXPR n "${n} + 1")
endforeach()
file(WRITE "${OUT}" "#include \"bot/web_files.h\"

namespace callbot::bot {
namespace {
${arrays}
constexpr WebFile kFiles[] = {
${rows}};
}  // namespace

std::span<const WebFile> web_files() { return kFiles; }

}  // namespace callbot::bot
")
