#include "ice_end.h"

#include <poll.h>

#include <algorithm>
#include <array>

#include "ice/nice_agent.h"

namespace hg::test {

IceEnd::IceEnd(IceConfig config)
    : transport(MakeNiceIceTransport(std::move(config), *this)) {}

IceConfig IceEnd::Config(bool controlling) {
  IceConfig config;
  config.controlling = controlling;
  config.local_addresses = {"127.0.0.1"};
  return config;
}

void IceEnd::OnIceGathered(const std::vector<std::string>& lines) {
  candidates = lines;
  ++gathered;
}
void IceEnd::OnIceGatheringFailed(const std::string& why) {
  gathering_failure = why;
}
void IceEnd::OnIceState(IceState state) { states.push_back(state); }
void IceEnd::OnIceChanged() { ++changes; }
void IceEnd::OnIceDatagram(Bytes datagram) {
  datagrams.emplace_back(datagram.begin(), datagram.end());
}

bool IceEnd::TookMedia(const std::string& text) const {
  return std::any_of(media.begin(), media.end(), [&](const Received& one) {
    return std::string(one.bytes.begin(), one.bytes.end()) == text;
  });
}

void IceEnd::TakeReadable(int fd) {
  for (;;) {
    std::array<std::uint8_t, 2000> bytes;
    Received received{fd, {}, {}, false};
    received.from.length = sizeof received.from.storage;
    const ssize_t size =
        recvfrom(fd, bytes.data(), bytes.size(), MSG_DONTWAIT,
                 reinterpret_cast<sockaddr*>(&received.from.storage),
                 &received.from.length);
    if (size < 0) return;
    received.bytes.assign(bytes.begin(), bytes.begin() + size);
    received.validated = transport->IsValidatedRemote(fd, received.from);
    media.push_back(std::move(received));
  }
}

bool Drive(std::initializer_list<IceEnd*> ends,
           const std::function<bool()>& done, Duration limit) {
  const Timestamp end = MonotonicNow() + limit;
  for (;;) {
    if (done()) return true;
    Timestamp now = MonotonicNow();
    if (now >= end) return false;
    Timestamp until = end;
    std::vector<pollfd> polled;
    for (IceEnd* one : ends) {
      if (!one->transport) continue;
      if (const auto due = one->transport->NextTimeout(now))
        until = std::min(until, *due);
      for (const IceFd& fd : one->transport->fds())
        polled.push_back({fd.fd, static_cast<short>(fd.epoll_events), 0});
    }
    const auto wait = std::max<std::int64_t>(
        0, std::chrono::ceil<std::chrono::milliseconds>(until - now).count());
    poll(polled.data(), polled.size(), static_cast<int>(wait));
    now = MonotonicNow();
    for (IceEnd* one : ends) {
      if (!one->transport) continue;
      bool ready = false;
      for (const IceFd& fd : one->transport->fds())
        for (const pollfd& entry : polled) {
          if (entry.fd != fd.fd || !entry.revents) continue;
          ready = true;
          if (fd.kind == FdKind::kMedia) one->TakeReadable(fd.fd);
        }
      const auto due = one->transport->NextTimeout(now);
      if (!ready && !(due && *due <= now)) continue;
      ++one->iterations;
      one->transport->Iterate();
    }
  }
}

bool SendMedia(IceEnd& from, const std::string& text) {
  const auto& selected = from.transport->selected();
  return selected.fd >= 0 &&
         sendto(selected.fd, text.data(), text.size(), 0, selected.remote.get(),
                selected.remote.length) == static_cast<ssize_t>(text.size());
}

}  // namespace hg::test
