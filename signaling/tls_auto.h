// signaling/tls_auto.h: a local certificate authority and a certificate for this host, made and
// kept in a folder, so that browsers and phones can reach a room server over https.
//
// Thread:  loop or worker (it makes keys: some milliseconds, and writes files).
// Owner:   the folder belongs to the user; files are replaced only when they have to be.
// Fails:   kStorage when the folder or its files cannot be used, kInternal when GnuTLS refuses.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"

namespace callbot::signaling {

struct AutoCertificate {
  std::filesystem::path ca_file;    // for those who shall trust it
  std::filesystem::path cert_file;  // chain: server certificate, then the authority's
  std::filesystem::path key_file;
  std::vector<std::string> names;  // DNS names and addresses the certificate is for
  bool made_ca = false;            // the authority is new: it has to be trusted (again)
  bool made_certificate = false;
};

// localhost, this host's name, and the addresses of all its interfaces.
std::vector<std::string> host_names();

// Uses what the folder holds, makes what is missing, broken, about to expire (30 days before) or
// for other names than these.
Result<AutoCertificate> auto_certificate(const std::filesystem::path& folder,
                                         const std::vector<std::string>& names = host_names());

// How to trust the authority: Debian, Firefox, Chromium, phones.
std::string how_to_trust(const AutoCertificate& certificate);

}  // namespace callbot::signaling
