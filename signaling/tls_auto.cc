#include "signaling/tls_auto.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>
#include <optional>
#include <set>
#include <type_traits>

#include "base/clock.h"
#include "base/files.h"
#include "base/gref.h"

namespace callbot::signaling {
namespace {

using Certificate =
    std::unique_ptr<std::remove_pointer_t<gnutls_x509_crt_t>, Freer<&gnutls_x509_crt_deinit>>;
using Key = std::unique_ptr<std::remove_pointer_t<gnutls_x509_privkey_t>,
                            Freer<&gnutls_x509_privkey_deinit>>;

constexpr time_t kDay = time_t{24} * 60 * 60;
constexpr time_t kRenewBefore = 30 * kDay;
constexpr time_t kCaLife = 3650 * kDay;
constexpr time_t kServerLife = 397 * kDay;  // what browsers and phones accept at most
constexpr time_t kClockSlack = kDay;        // a phone's clock may be behind ours
constexpr uint64_t kMostFile = 1u << 20;

struct Pair {
  Certificate certificate;
  Key key;
};

// Wraps the calls that must not fail; the first failure is kept.
class Checked {
 public:
  void operator()(int code) {
    if (code < 0 && first_ >= 0) first_ = code;
  }
  Result<> done(const char* doing) const {
    if (first_ >= 0) return {};
    return fail(Code::kInternal, fmt::format("{}: {}", doing, gnutls_strerror(first_)));
  }

 private:
  int first_ = 0;
};

Certificate new_certificate() {
  gnutls_x509_crt_t raw = nullptr;
  gnutls_x509_crt_init(&raw);
  return Certificate(raw);
}

Key new_key() {
  gnutls_x509_privkey_t raw = nullptr;
  gnutls_x509_privkey_init(&raw);
  return Key(raw);
}

time_t now_seconds() { return static_cast<time_t>(wall_ns() / 1'000'000'000); }

gnutls_datum_t datum(const std::string& text) {
  return {reinterpret_cast<unsigned char*>(const_cast<char*>(text.data())),
          static_cast<unsigned>(text.size())};
}

std::string taken(gnutls_datum_t owned) {
  std::string text(reinterpret_cast<char*>(owned.data), owned.size);
  gnutls_free(owned.data);
  return text;
}

// --- names

bool is_address(const std::string& name) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return inet_pton(AF_INET, name.c_str(), bytes.data()) == 1 ||
         inet_pton(AF_INET6, name.c_str(), bytes.data()) == 1;
}

// The address in network order, 4 or 16 bytes.
std::string address_bytes(const std::string& name) {
  std::array<char, sizeof(in6_addr)> bytes{};
  if (inet_pton(AF_INET, name.c_str(), bytes.data()) == 1) return {bytes.data(), sizeof(in_addr)};
  inet_pton(AF_INET6, name.c_str(), bytes.data());
  return {bytes.data(), sizeof(in6_addr)};
}

bool is_dns_name(const std::string& name) {
  return !name.empty() && name.size() <= 253 && std::all_of(name.begin(), name.end(), [](char c) {
    return g_ascii_isalnum(c) || c == '-' || c == '.';
  });
}

std::optional<std::string> text_of(const sockaddr* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    return inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
  }
  if (address->sa_family != AF_INET6) return std::nullopt;
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
  // A browser has no way to reach these: they need an interface with them.
  if (IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr)) return std::nullopt;
  return inet_ntop(AF_INET6, &v6->sin6_addr, text.data(), text.size());
}

std::string own_host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return {};
  return name.data();
}

// --- making

Result<Key> make_private_key() {
  Key key = new_key();
  Checked check;
  check(gnutls_x509_privkey_generate(key.get(), GNUTLS_PK_ECDSA,
                                     GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
  if (auto ok = check.done("making a key"); !ok) return tl::unexpected(ok.error());
  return key;
}

void set_basics(Checked& check, gnutls_x509_crt_t certificate, gnutls_x509_privkey_t key,
                const std::string& common_name, time_t life) {
  std::array<unsigned char, 16> serial{};
  check(gnutls_rnd(GNUTLS_RND_NONCE, serial.data(), serial.size()));
  serial[0] = (serial[0] & 0x3f) | 0x40;  // positive and never zero (RFC 5280, 4.1.2.2)
  check(gnutls_x509_crt_set_version(certificate, 3));
  check(gnutls_x509_crt_set_serial(certificate, serial.data(), serial.size()));
  check(gnutls_x509_crt_set_activation_time(certificate, now_seconds() - kClockSlack));
  check(gnutls_x509_crt_set_expiration_time(certificate, now_seconds() + life - kClockSlack));
  check(gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0,
                                      common_name.data(),
                                      static_cast<unsigned>(common_name.size())));
  constexpr std::string_view kOrganisation = "callbot";
  check(gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_ORGANIZATION_NAME, 0,
                                      kOrganisation.data(), kOrganisation.size()));
  check(gnutls_x509_crt_set_key(certificate, key));
  std::array<unsigned char, 64> id{};
  size_t size = id.size();
  check(gnutls_x509_crt_get_key_id(certificate, GNUTLS_KEYID_USE_SHA1, id.data(), &size));
  check(gnutls_x509_crt_set_subject_key_id(certificate, id.data(), size));
}

Result<Pair> make_ca() {
  auto key = make_private_key();
  if (!key) return tl::unexpected(key.error());
  Certificate ca = new_certificate();
  Checked check;
  // Its own name for each: a browser refuses two authorities of one name with different keys.
  const std::string name = fmt::format("callbot local authority on {} {}", own_host_name(),
                                       rfc3339(wall_ns()).substr(0, 19));
  set_basics(check, ca.get(), key->get(), name.substr(0, 64), kCaLife);
  check(gnutls_x509_crt_set_basic_constraints(ca.get(), 1, 0));
  check(gnutls_x509_crt_set_key_usage(ca.get(), GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN));
  check(gnutls_x509_crt_sign2(ca.get(), ca.get(), key->get(), GNUTLS_DIG_SHA256, 0));
  if (auto ok = check.done("making the local authority"); !ok) return tl::unexpected(ok.error());
  return Pair{std::move(ca), std::move(*key)};
}

void set_names(Checked& check, gnutls_x509_crt_t certificate,
               const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (is_address(name)) {
      const std::string bytes = address_bytes(name);
      check(gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_IPADDRESS, bytes.data(),
                                                 static_cast<unsigned>(bytes.size()),
                                                 GNUTLS_FSAN_APPEND));
    } else if (is_dns_name(name)) {
      check(gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_DNSNAME, name.data(),
                                                 static_cast<unsigned>(name.size()),
                                                 GNUTLS_FSAN_APPEND));
    }
  }
}

Result<Pair> make_server(const Pair& ca, const std::vector<std::string>& names) {
  auto key = make_private_key();
  if (!key) return tl::unexpected(key.error());
  Certificate server = new_certificate();
  Checked check;
  const std::string host = own_host_name();
  set_basics(check, server.get(), key->get(), fmt::format("callbot on {}", host).substr(0, 64),
             kServerLife);
  set_names(check, server.get(), names);
  check(gnutls_x509_crt_set_basic_constraints(server.get(), 0, -1));
  check(gnutls_x509_crt_set_key_usage(server.get(), GNUTLS_KEY_DIGITAL_SIGNATURE));
  check(gnutls_x509_crt_set_key_purpose_oid(server.get(), GNUTLS_KP_TLS_WWW_SERVER, 0));
  std::array<unsigned char, 64> id{};
  size_t size = id.size();
  check(gnutls_x509_crt_get_subject_key_id(ca.certificate.get(), id.data(), &size, nullptr));
  check(gnutls_x509_crt_set_authority_key_id(server.get(), id.data(), size));
  check(gnutls_x509_crt_sign2(server.get(), ca.certificate.get(), ca.key.get(), GNUTLS_DIG_SHA256,
                              0));
  if (auto ok = check.done("making the certificate"); !ok) return tl::unexpected(ok.error());
  return Pair{std::move(server), std::move(*key)};
}

// --- keeping

std::string pem_of(const Certificate& certificate) {
  gnutls_datum_t out{};
  gnutls_x509_crt_export2(certificate.get(), GNUTLS_X509_FMT_PEM, &out);
  return taken(out);
}

std::string pem_of(const Key& key) {
  gnutls_datum_t out{};
  gnutls_x509_privkey_export2_pkcs8(key.get(), GNUTLS_X509_FMT_PEM, nullptr, GNUTLS_PKCS_PLAIN,
                                    &out);
  return taken(out);
}

Result<> storage(const fs::path& path, const char* doing) {
  return fail(Code::kStorage, fmt::format("{}: {}: {}", path.string(), doing, g_strerror(errno)));
}

// Like write_atomically(), but nobody else can read it at any moment.
Result<> write_secret(const fs::path& path, const std::string& text) {
  std::string temporary = path.string() + ".XXXXXX";
  const int file = mkostemp(temporary.data(), O_CLOEXEC);  // mode 0600
  if (file < 0) return storage(path, "cannot write");
  const bool written = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       fdatasync(file) == 0;
  const int error = errno;
  ::close(file);
  if (written && rename(temporary.c_str(), path.c_str()) == 0) return {};
  if (!written) errno = error;
  auto failed = storage(path, "cannot write");
  unlink(temporary.c_str());
  return failed;
}

Result<> save(const Pair& pair, const std::string& certificates, const fs::path& certificate_file,
              const fs::path& key_file) {
  return write_secret(key_file, pem_of(pair.key)).and_then([&] {
    return write_atomically(certificate_file, certificates);
  });
}

// What is in these files, if they hold a pair that belongs together.
std::optional<Pair> load(const fs::path& certificate_file, const fs::path& key_file) {
  const auto certificate_text = read_file(certificate_file, kMostFile);
  const auto key_text = read_file(key_file, kMostFile);
  if (!certificate_text || !key_text) return std::nullopt;
  Pair pair{new_certificate(), new_key()};
  const auto certificate_data = datum(*certificate_text);
  const auto key_data = datum(*key_text);
  if (gnutls_x509_crt_import(pair.certificate.get(), &certificate_data, GNUTLS_X509_FMT_PEM) < 0 ||
      gnutls_x509_privkey_import2(pair.key.get(), &key_data, GNUTLS_X509_FMT_PEM, nullptr, 0) < 0)
    return std::nullopt;
  std::array<unsigned char, 64> of_certificate{};
  std::array<unsigned char, 64> of_key{};
  size_t size = of_certificate.size();
  size_t key_size = of_key.size();
  if (gnutls_x509_crt_get_key_id(pair.certificate.get(), GNUTLS_KEYID_USE_SHA256,
                                 of_certificate.data(), &size) < 0 ||
      gnutls_x509_privkey_get_key_id(pair.key.get(), GNUTLS_KEYID_USE_SHA256, of_key.data(),
                                     &key_size) < 0 ||
      of_certificate != of_key)
    return std::nullopt;
  return pair;
}

bool lasts(const Certificate& certificate) {
  return gnutls_x509_crt_get_activation_time(certificate.get()) <= now_seconds() &&
         gnutls_x509_crt_get_expiration_time(certificate.get()) > now_seconds() + kRenewBefore;
}

bool issued_by(const Certificate& certificate, const Certificate& ca) {
  gnutls_x509_crt_t issuer = ca.get();
  unsigned status = 0;
  return gnutls_x509_crt_verify(certificate.get(), &issuer, 1, 0, &status) >= 0 && status == 0;
}

std::set<std::string> names_in(const Certificate& certificate) {
  std::set<std::string> names;
  for (unsigned i = 0;; ++i) {
    std::array<char, 512> value{};
    size_t size = value.size();
    const int type =
        gnutls_x509_crt_get_subject_alt_name(certificate.get(), i, value.data(), &size, nullptr);
    if (type < 0) return names;
    names.insert(std::string(value.data(), size));
  }
}

bool covers(const Certificate& certificate, const std::vector<std::string>& names) {
  const auto present = names_in(certificate);
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return present.contains(is_address(name) ? address_bytes(name) : name);
  });
}

// Readable by the owner alone, whatever was made of it meanwhile.
Result<> close_to_others(const fs::path& key_file) {
  if (chmod(key_file.c_str(), S_IRUSR | S_IWUSR) != 0) return storage(key_file, "cannot protect");
  return {};
}

}  // namespace

std::vector<std::string> host_names() {
  std::vector<std::string> names = {"localhost", "127.0.0.1", "::1"};
  auto add = [&](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  const std::string host = own_host_name();
  if (is_dns_name(host) && !is_address(host)) {
    add(host);
    if (host.find('.') == std::string::npos) add(host + ".local");  // multicast DNS
  }
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return names;
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr || (at->ifa_flags & IFF_UP) == 0) continue;
    if (const auto text = text_of(at->ifa_addr)) add(*text);
  }
  freeifaddrs(list);
  return names;
}

Result<AutoCertificate> auto_certificate(const fs::path& folder,
                                         const std::vector<std::string>& wanted) {
  AutoCertificate result;
  for (const std::string& name : wanted)
    if (is_address(name) || is_dns_name(name)) result.names.push_back(name);
  if (result.names.empty()) return fail(Code::kUsage, "no name to make a certificate for");
  if (auto ok = make_folder(folder); !ok) return tl::unexpected(ok.error());
  result.ca_file = folder / "ca.pem";
  result.cert_file = folder / "server.pem";
  result.key_file = folder / "server-key.pem";
  const fs::path ca_key_file = folder / "ca-key.pem";

  auto ca = load(result.ca_file, ca_key_file);
  if (!ca || !lasts(ca->certificate)) {
    auto made = make_ca();
    if (!made) return tl::unexpected(made.error());
    if (auto ok = save(*made, pem_of(made->certificate), result.ca_file, ca_key_file); !ok)
      return tl::unexpected(ok.error());
    ca = std::move(*made);
    result.made_ca = true;
  }
  const auto server = load(result.cert_file, result.key_file);
  if (!server || !lasts(server->certificate) || !issued_by(server->certificate, ca->certificate) ||
      !covers(server->certificate, result.names)) {
    auto made = make_server(*ca, result.names);
    if (!made) return tl::unexpected(made.error());
    const std::string chain = pem_of(made->certificate) + pem_of(ca->certificate);
    if (auto ok = save(*made, chain, result.cert_file, result.key_file); !ok)
      return tl::unexpected(ok.error());
    result.made_certificate = true;
  }
  return close_to_others(ca_key_file)
      .and_then([&] { return close_to_others(result.key_file); })
      .map([&] { return result; });
}

std::string how_to_trust(const AutoCertificate& certificate) {
  const std::string ca = certificate.ca_file.string();
  std::string text =
      fmt::format("The certificate was signed by this host's own authority: {}\n", ca);
  text += "To trust it (its key never leaves this host):\n";
  text += "  callbot           --ca " + ca + "\n";
  text += "  Debian, curl      cp " + ca +
          " /usr/local/share/ca-certificates/callbot.crt && update-ca-certificates\n";
  text += "  Chromium (Linux)  certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n callbot -i " + ca +
          "   (package libnss3-tools)\n";
  text +=
      "  Firefox           Settings, Privacy & Security, Certificates, View Certificates,\n"
      "                    Authorities, Import\n";
  text +=
      "  Android           copy ca.pem to the phone; Settings, Security, Encryption &\n"
      "                    credentials, Install a certificate, CA certificate\n";
  text +=
      "  iPhone, iPad      send ca.pem to it and open it; Settings, General, VPN & Device\n"
      "                    Management, Install; then Settings, General, About, Certificate\n"
      "                    Trust Settings, switch it on\n";
  text += "It is good for:";
  for (const std::string& name : certificate.names) text += " " + name;
  return text + "\n";
}

}  // namespace callbot::signaling
