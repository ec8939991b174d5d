// A WebRTC peer for tests and benchmarks, full ICE, DTLS and SRTP; if nothing
// else is asked for the answering side, which receives. It counts and checks
// what arrives, asks for what is missing with NACKs, and reports like a
// browser.
//
// Single-threaded and driven by its owner: poll `fds()`, call OnReadable() for
// a readable one and OnTimer() at NextTimeout(). MediaClientLoop below does
// that for any number of clients.
//
//   MediaClient client(options, observer);          // options.tracks: the
//   offer client.Start(now);                              // then
//   OnLocalReady() client.SetRemote({.ice = …, .fingerprints = …, .candidates =
//   …}, now); loop.Add(client); loop.RunUntil([&] { return
//   client.counters().received > 100; }, 5s);
//
// It sits above ice, dtls and srtp and below loop, unlike the other helpers.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "dtls/certificate.h"
#include "dtls/dtls_session.h"
#include "ice/ice_transport.h"
#include "rtp/nack_tracker.h"
#include "rtp/packet.h"
#include "rtp/rtcp/registry.h"
#include "rtp/rtcp/report_stats.h"
#include "rtp/seq_num.h"
#include "srtp/srtp_session.h"

namespace hg {

class MediaClient final : private IceTransport::Observer,
                          private DtlsSession::Observer,
                          private FeedbackHandler {
 public:
  struct Track {
    std::uint32_t ssrc = 0;
    std::uint8_t payload_type = 0;
    std::uint32_t clock_rate = 90'000;
    std::uint32_t rtx_ssrc = 0;  // 0: resends come as they were
    std::uint8_t rtx_payload_type = 0;
    bool nack = true;  // ask for what is missing
  };

  // Certificate and DTLS context; one can serve many clients.
  struct Identity {
    static std::shared_ptr<const Identity> Make();
    std::shared_ptr<const Certificate> certificate;
    std::unique_ptr<DtlsContext> dtls;
  };

  struct Options {
    std::shared_ptr<const Identity> identity;  // null: its own
    std::vector<std::string> local_addresses = {"127.0.0.1"};
    std::vector<Track> tracks;
    bool controlling = false;  // who offers is (RFC 8445 s6.1.1)
    IceTimes ice_times;
    DtlsRole dtls_role = DtlsRole::kClient;
    Duration report_interval = 1s;  // of receiver reports; 0: none
    // Reported on top of the true round trip, by a shorter "delay since last
    // sender report".
    Duration extra_round_trip{0};
    // Between two NACKs of one packet.
    Duration nack_round_trip = 20ms;
    NackTracker::Limits nack_limits;
    int receive_buffer = 1 << 20;  // SO_RCVBUF of its sockets, bytes
    // UDP_GRO: a GSO message that stayed on this machine is taken in one piece.
    bool gro = false;
  };

  // From the server's description.
  struct Remote {
    IceRemote ice;
    std::vector<Fingerprint> fingerprints;
    std::vector<std::string> candidates;  // "candidate:…", "a=" allowed
    bool gathering_done = true;           // false: AddRemoteCandidate() follows
    // What an answer decides; else it is as in Options.
    std::optional<DtlsRole> dtls_role;
    std::optional<std::vector<Track>> tracks;
  };

  // For our own.
  struct Local {
    std::string ufrag;
    std::string pwd;
    std::string fingerprint;  // sha-256, "AA:BB:…"
    std::vector<std::string> candidates;
  };

  // A packet that was not received before, as it was first sent: RTX is
  // unwrapped. The views are valid during the call.
  struct Packet {
    std::size_t track;
    const RtpView& rtp;
    std::uint64_t extended_seq;
    Timestamp arrival;
    bool recovered;  // it had been missing and came after a NACK
  };

  // Of all tracks together, unless said otherwise.
  struct Counters {
    std::uint64_t received = 0;        // different packets
    std::uint64_t received_bytes = 0;  // of these, RTP after decryption
    std::uint64_t recovered = 0;       // of these, those that came after a NACK
    std::uint64_t rtx_received = 0;    // RTX packets, padding ones too
    std::uint64_t duplicates = 0;      // plain, RTX, or refused as replayed
    std::uint64_t nacks_sent = 0;      // sequence numbers asked for
    std::uint64_t reports_sent = 0;
    std::uint64_t sender_reports = 0;
    std::uint64_t auth_failures = 0;
    // Each of these is a bug of the sender.
    std::uint64_t wrong_ssrc = 0;
    std::uint64_t wrong_payload_type = 0;
    std::uint64_t malformed = 0;  // neither RTP nor RTCP, or broken inside
    std::uint64_t jumps = 0;      // a sequence number thousands away
    std::uint64_t foreign = 0;    // from an address ICE has not validated
  };

  enum class State : std::uint8_t { kNew, kIce, kDtls, kConnected, kClosed };

  // Called from within OnReadable(), OnTimer(), Start() and SetRemote(); does
  // not destroy the client.
  class Observer {
   public:
    virtual ~Observer() = default;
    virtual void OnLocalReady(MediaClient&, const Local&) {}
    virtual void OnConnected(MediaClient&, SrtpProfile) {}
    virtual void OnPacket(MediaClient&, const Packet&) {}
    // Each compound that came, plain.
    virtual void OnRtcp(MediaClient&, Bytes /*compound*/) {}
    // SCTP (RFC 8261).
    virtual void OnData(MediaClient&, Bytes) {}
    // `why` is for people. Nothing follows.
    virtual void OnClosed(MediaClient&, std::string_view /*why*/) {}
  };

  MediaClient(Options options, Observer& observer);
  ~MediaClient() override;

  // Gathers; OnLocalReady follows. False (and OnClosed) without a socket.
  bool Start(Timestamp now);
  void SetRemote(const Remote& remote, Timestamp now);
  bool AddRemoteCandidate(const std::string& candidate, Timestamp now);
  void SetRemoteGatheringDone(Timestamp now);
  // PLI, once connected.
  void RequestKeyframe(std::size_t track);
  // Asks for these, received or not, once connected.
  void Nack(std::size_t track, std::span<const std::uint16_t> seqs);
  // Plain packets, protected as they are: what an ill-behaved peer sends, once
  // connected.
  void SendRtp(Bytes packet);
  void SendRtcp(Bytes compound);
  // The same without a copy: of `buffer`, which has SrtpSession::kMaxOverhead
  // more, the first `size` bytes are the packet.
  void SendRtp(MutableBytes buffer, std::size_t size);
  // One GSO message (UDP_SEGMENT). All of one size, the last may be shorter.
  void SendRtpRun(std::span<const std::vector<std::uint8_t>> packets);
  // One SCTP packet of at most max_data() bytes, once connected.
  void SendData(Bytes packet);
  std::size_t max_data() const { return dtls_->max_application_data(); }
  // Says goodbye by DTLS. OnClosed is not called.
  void Close();

  std::span<const IceFd> fds() const { return ice_->fds(); }
  // Rises whenever fds() may have changed.
  std::uint64_t fds_version() const { return fds_version_; }
  void OnReadable(int fd, Timestamp now);
  // nullopt: nothing is to be done until something arrives.
  std::optional<Timestamp> NextTimeout() const;
  void OnTimer(Timestamp now);

  State state() const { return state_; }
  IceState ice_state() const { return ice_state_; }
  const Local& local() const { return local_; }
  const IceTransport& ice() const { return *ice_; }
  std::optional<SrtpProfile> srtp_profile() const;
  const Counters& counters() const { return counters_; }
  // Not (yet) received between the first and the newest packet of a track.
  std::uint64_t lost(std::size_t track) const;
  std::uint64_t lost() const;  // of all tracks
  std::uint64_t highest_seq(std::size_t track) const;
  // What the kernel dropped because a socket's buffer was full: the client was
  // too slow, which is no fault of the server.
  std::uint64_t KernelDrops() const;
  // The last sender report of a track (NTP and RTP time), if there was one.
  std::optional<SenderInfo> last_sender_info(std::size_t track) const;

 private:
  class Stream;

  // IceTransport::Observer
  void OnIceGathered(const std::vector<std::string>& candidates) override;
  void OnIceGatheringFailed(const std::string& why) override;
  void OnIceState(IceState state) override;
  void OnIceChanged() override;
  void OnIceDatagram(Bytes datagram) override;
  // DtlsSession::Observer
  void OnDtlsSend(Bytes datagram) override;
  void OnDtlsConnected(const SrtpKeys& keys) override;
  void OnDtlsApplicationData(Bytes data) override;
  void OnDtlsClosed(DtlsState state, std::string_view why) override;
  // FeedbackHandler
  void OnSenderReport(const SenderReport& report) override;

  void Read(int fd);
  void OnDatagram(MutableBytes datagram);
  void OnRtp(MutableBytes datagram);
  void OnRtcp(MutableBytes datagram);
  void Deliver(std::size_t track, const RtpView& rtp, std::uint16_t seq);
  void SendNacks();
  void SendReports();
  void SendRtcp(MutableBytes buffer, std::size_t size);
  void Send(Bytes datagram);
  void StartDtlsIfReady();
  void Fail(std::string_view why);
  void UpdateTimes();

  void SetTracks(const std::vector<Track>& tracks);

  const Options options_;
  Observer& observer_;
  const std::shared_ptr<const Identity> identity_;
  const std::uint32_t own_ssrc_;  // of our RTCP
  std::unique_ptr<IceTransport> ice_;
  std::unique_ptr<DtlsSession> dtls_;
  DtlsRole dtls_role_;
  std::optional<SrtpSession> srtp_;
  std::vector<std::unique_ptr<Stream>> streams_;
  Local local_;
  Counters counters_;
  State state_ = State::kNew;
  IceState ice_state_ = IceState::kNew;
  std::uint64_t fds_version_ = 0;
  std::vector<std::uint8_t> ice_datagram_;

  Timestamp now_{};  // of the call we are in
  std::optional<Timestamp> ice_due_, dtls_due_, report_due_, nack_due_;
};

// Runs any number of clients on the calling thread, by epoll.
class MediaClientLoop {
 public:
  MediaClientLoop();
  ~MediaClientLoop();
  MediaClientLoop(const MediaClientLoop&) = delete;
  MediaClientLoop& operator=(const MediaClientLoop&) = delete;

  // After Start(). The client outlives the loop, or is removed.
  void Add(MediaClient& client);
  void Remove(MediaClient& client);
  // Another fd, such as stdin: `on_readable` is called from RunOnce().
  void AddFd(int fd, std::function<void()> on_readable);
  void RemoveFd(int fd);

  // Waits for at most `max_wait`, then serves whatever is ready or due. Returns
  // how many fds were ready.
  int RunOnce(Duration max_wait);
  // False if `patience` ran out before `done` was true.
  bool RunUntil(const std::function<bool()>& done, Duration patience);
  void RunFor(Duration duration);

 private:
  struct Entry;
  void Watch(Entry& entry);
  void Forget(int fd, const Entry& entry);
  void Serve(Entry& entry);

  int epoll_fd_;
  std::vector<std::unique_ptr<Entry>> entries_;
  std::unordered_map<int, Entry*> owners_;  // by fd
  std::unordered_map<int, std::function<void()>> others_;
  Timestamp next_due_{};  // no client's timer is due before
};

}  // namespace hg
