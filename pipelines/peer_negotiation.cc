// The negotiation half of PeerImpl. One step at a time: an offer of ours until its answer was
// taken, an offer of theirs until our answer was set; what comes meanwhile waits.
#include <fmt/format.h>

#include <utility>

#include "pipelines/local_sdp.h"
#include "pipelines/peer_impl.h"

namespace callbot::pipelines {
namespace {

constexpr size_t kMostWaiting = 16;           // descriptions
constexpr size_t kMostEarlyCandidates = 200;  // before a description

}  // namespace

void PeerImpl::negotiate() {
  if (failed_ || !config_.offers) return;
  offer_wanted_ = true;
  next_step();
}

void PeerImpl::remote_description(bool offer, const std::string& sdp) {
  if (failed_) return;
  if (offer == config_.offers) {
    log_.warn("ignored: {} from the end that {}", offer ? "an offer" : "an answer",
              offer ? "answers" : "offers");
    return;
  }
  if (!offer && !awaiting_answer_) {
    log_.warn("ignored: an answer to nothing");
    return;
  }
  if (waiting_.size() >= kMostWaiting) {
    fail_with({Code::kBadInput, "more descriptions than can be taken"});
    return;
  }
  waiting_.push_back({offer, sdp});
  next_step();
}

void PeerImpl::next_step() {
  if (busy_ || failed_) return;
  if (!waiting_.empty()) {
    const Description next = std::move(waiting_.front());
    waiting_.pop_front();
    if (next.offer)
      take_offer(next.sdp);
    else if (awaiting_answer_)
      take_answer(next.sdp);
  } else if (offer_wanted_ && !awaiting_answer_) {
    offer_wanted_ = false;
    make_offer();
  }
}

// Did the step succeed? The steps of one exchange are not repeatable: a failed one ends the peer.
bool PeerImpl::ok(const Result<>& step, const char* doing) {
  if (failed_) return false;
  if (step) return true;
  fail_with(Error(step.error()).in(doing));
  return false;
}

// --- our offer

void PeerImpl::make_offer() {
  busy_ = true;
  first_described();
  if (!lines_) {
    lines_ = std::make_unique<MediaLines>(loop_, *rtc_, log_, config_);
    if (!ok(lines_->offer(), "making an offer")) return;
    uplink_.number_packets(lines_->transport_cc());
  }
  rtc_->create_offer([this](Result<std::string> made) {
    if (!ok(made.map([](const std::string&) {}), "making an offer")) return;
    awaiting_answer_ = true;
    set_local(true, *made);
  });
}

void PeerImpl::take_answer(const std::string& sdp) {
  busy_ = true;
  const auto guarded = guard_.remote_answer(sdp);
  if (!accept(guarded)) return;
  rtc_->set_remote(false, *guarded, [this](const Result<>& set) {
    if (!ok(set, "taking the other end's answer")) return;
    awaiting_answer_ = false;
    negotiated();
  });
}

// --- their offer

void PeerImpl::take_offer(const std::string& sdp) {
  busy_ = true;
  first_described();
  const auto guarded = guard_.remote_offer(sdp);
  if (!accept(guarded)) return;
  if (!lines_) lines_ = std::make_unique<MediaLines>(loop_, *rtc_, log_, config_);
  if (!ok(lines_->answer(guard_.mlines()), "preparing an answer")) return;
  uplink_.number_packets(lines_->transport_cc());
  rtc_->set_remote(true, *guarded, [this](const Result<>& set) {
    if (!ok(set, "taking the other end's offer")) return;
    rtc_->create_answer([this](Result<std::string> made) {
      if (!ok(made.map([](const std::string&) {}), "making an answer")) return;
      set_local(false, with_rejections(guard_.own_answer(*made), guard_.mlines(),
                                       guard_.bundle_index().value_or(0)));
    });
  });
}

// What both have in common: a description of theirs that the guard let through, or not.
bool PeerImpl::accept(const Result<std::string>& guarded) {
  if (!guarded) {
    fail_with(guarded.error());
    return false;
  }
  if (guard_.restarts_ice()) {
    fail_with({Code::kConnect, "the other end restarts ICE, which needs a fresh connection"});
    return false;
  }
  const auto [ufrag, password] = ice_credentials(*guarded);
  transport_.set_remote_credentials(ufrag, password);
  transport_.drop_payloads(guard_.refused_payloads());
  channels_.set_remote_limit(guard_.most_message_bytes());
  receiver_.described();
  if (!described_) start_connecting();
  described_ = true;
  check_certificate();
  return !failed_;
}

// --- both

void PeerImpl::set_local(bool offer, const std::string& inner) {
  rtc_->set_local(offer, inner, [this, offer, inner](const Result<>& set) {
    if (ok(set, "setting our description")) local_set(offer, inner);
  });
}

void PeerImpl::local_set(bool offer, const std::string& inner) {
  unpublished_ = Description{offer, inner};
  if (config_.trickles || gathered_) {
    publish();
  } else if (!gather_deadline_.running()) {
    gather_deadline_.once(config_.gather_deadline, [this] {
      log_.warn("candidates are still being gathered after {} ms, going on with {}",
                config_.gather_deadline.count(), local_candidates_.size());
      publish();
    });
  }
  if (failed_) return;
  if (offer) {
    busy_ = false;
    next_step();
  } else {
    negotiated();
  }
}

// webrtcbin's description, as the other end may see it.
void PeerImpl::publish() {
  if (!unpublished_) return;
  gather_deadline_.stop();
  const auto [offer, inner] = *std::exchange(unpublished_, std::nullopt);
  const std::string whole =
      config_.trickles ? inner
                       : with_candidates(inner, offer ? 0 : guard_.bundle_index().value_or(0),
                                         local_candidates_);
  const std::string outer = with_contents(
      with_msids(offer ? without_audio_rtx(guard_.local_offer(whole)) : guard_.local_answer(whole)),
      [this](size_t mline) { return lines_->content_of(mline); });
  tag_ = bundle_tag(outer);
  published_ = true;
  say([this, offer = offer, outer] { events_.local_description(offer, outer); });
  if (config_.trickles) flush_candidates();
}

void PeerImpl::candidate(const std::string& text) {
  local_candidates_.push_back(text);
  if (config_.trickles && published_) flush_candidates();
}

void PeerImpl::flush_candidates() {
  const auto give = [this](const std::string& text) {
    say([this, tag = tag_, text] { events_.local_candidate(tag.mline, tag.mid, text); });
  };
  while (given_candidates_ < local_candidates_.size()) give(local_candidates_[given_candidates_++]);
  if (gathered_ && !std::exchange(end_given_, true)) give("");
}

void PeerImpl::gathering_done() {
  if (std::exchange(gathered_, true)) return;
  if (!config_.trickles)
    publish();
  else if (published_)
    flush_candidates();
}

// Both descriptions are set: webrtcbin is stable.
void PeerImpl::negotiated() {
  busy_ = false;
  if (!std::exchange(session_set_up_, true))
    rtc_->set_up_session(guard_.bundle_index().value_or(0));
  for (const RemoteCandidate& early : std::exchange(early_candidates_, {})) add_candidate(early);
  update_senders();
  if (!asked_for_offer_ && !config_.offers && lines_->anything_unsent()) {
    asked_for_offer_ = true;
    say([this] { events_.needs_negotiation(); });
  }
  next_step();
}

// --- candidates of theirs

void PeerImpl::remote_candidate(uint32_t mline, const std::string& mid, const std::string& text) {
  if (failed_) return;
  RemoteCandidate candidate{mline, mid, text};
  if (described_)
    add_candidate(candidate);
  else if (early_candidates_.size() < kMostEarlyCandidates)
    early_candidates_.push_back(std::move(candidate));
}

void PeerImpl::add_candidate(const RemoteCandidate& candidate) {
  const auto usable = guard_.remote_candidate(candidate.mline, candidate.mid, candidate.text);
  if (usable) rtc_->add_candidate(usable->mline, usable->text);
}

}  // namespace callbot::pipelines
