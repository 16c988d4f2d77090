// recordings/aside.h: where a media file lies while another takes its place, and where what cannot
// be used goes.
//
//   media/alice-1.mkv.part     what is to take its place, until it is whole
//   media/alice-1.mkv.before   the original, until the journal says what took its place
//   damaged/alice-1.mkv        what cannot be used, or not all of it
//
// Thread:  worker; plain functions that block on the file system.
// Owner:   MediaMender, repair().
// Fails:   kStorage with the path and the system's words.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.h"

namespace callbot::recordings {

std::filesystem::path part_of(const std::filesystem::path& file);
std::filesystem::path original_of(const std::filesystem::path& file);
void remove_part(const std::filesystem::path& file);
// The original stays under its own name as well, where the file system has hard links.
Result<> keep_original(const std::filesystem::path& file);
// Under its name, whatever is there.
Result<> put_back(const std::filesystem::path& from, const std::filesystem::path& file);

// Below damaged/, which is made.
std::string free_name_in_damaged(const std::filesystem::path& folder, const std::string& file);
// Renames below damaged/, under a name that is free there; "" if that cannot be done.
std::string move_aside(const std::filesystem::path& folder, const std::string& file);
// What versions before left that were killed, and moved the original away first: the last of that
// name. Empty: nothing.
std::filesystem::path moved_by_a_killed_one(const std::filesystem::path& folder,
                                            const std::filesystem::path& file);

}  // namespace callbot::recordings
