// recordings/incoming_file.h: a file that a member sends -> files/ in the recording's folder.
//
// It grows as "<name>.part" and gets its name when it is whole and its checksum fits. An encrypted
// one is called "<name>.sealed"; size and checksum in the journal are those of the file on disk.
//
// Thread:  as IncomingFile says; the bytes are written on the Keeper's thread.
// Owner:   the caller of Recording::receive_file; must not outlive the Recording.
// Fails:   as IncomingFile says.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "recordings/event.h"
#include "recordings/keeper.h"
#include "recordings/recording.h"

namespace callbot::recordings {

struct IncomingPlace {
  fs::path folder;  // of the recording
  std::optional<PublicKey> seal_to;
};

std::unique_ptr<IncomingFile> begin_incoming(Keeper& keeper, IncomingPlace place, FileOffer offer,
                                             std::function<void(Event)> note);

}  // namespace callbot::recordings
