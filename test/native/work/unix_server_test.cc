#include "work/unix_server.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "native/work/folder.h"
#include "work/ready_thread.h"

namespace hg::test {
namespace {

using Type = UnixServer::Type;
using Sent = UnixServer::Sent;
using What = UnixEvent::Type;

constexpr UnixServer::Limits kLimits = {.max_message = 4096,
                                        .max_buffered = 64 * 1024};

constexpr UnixServer::Limits kMuch = {.max_message = 4096,
                                      .max_buffered = 64 << 20};

sockaddr_un AddressOf(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

class Client {
 public:
  // `own`: where a datagram socket is bound; empty: nowhere.
  Client(Type type, const std::string& server, const std::string& own = {})
      : fd_(socket(AF_UNIX,
                   type == Type::kSeqPacket ? SOCK_SEQPACKET : SOCK_DGRAM, 0)) {
    if (!own.empty()) {
      const sockaddr_un address = AddressOf(own);
      REQUIRE(bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address),
                   sizeof address) == 0);
    }
    const sockaddr_un address = AddressOf(server);
    connected = connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address),
                        sizeof address) == 0;
  }
  void Send(std::string_view text) const {
    // A server that is gone is no signal.
    send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
  }
  // Empty at the end; nothing if there is nothing.
  std::optional<std::string> Receive() const {
    constexpr int kLook = MSG_DONTWAIT | MSG_PEEK | MSG_TRUNC;
    const ssize_t size = recv(fd_.get(), nullptr, 0, kLook);
    if (size < 0) return std::nullopt;
    std::string text(static_cast<std::size_t>(size), '\0');
    recv(fd_.get(), text.data(), text.size(), MSG_DONTWAIT);
    return text;
  }

  bool connected = false;

 private:
  OwnedFd fd_;
};

std::vector<UnixEvent> ServeAll(UnixServer& server, Timestamp now = {}) {
  std::vector<UnixEvent> all;
  pollfd ready = {server.fd(), POLLIN, 0};
  while (poll(&ready, 1, 0) > 0) {
    for (UnixEvent& event : server.Serve(now)) all.push_back(std::move(event));
  }
  return all;
}

std::string ErrorOf(const std::string& path, Type type = Type::kSeqPacket) {
  try {
    const UnixServer server(path, type, kLimits);
  } catch (const UnixServerError& error) {
    return error.code();
  }
  return {};
}

std::size_t OpenFiles() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator("/proc/self/fd"))
    ++count;
  return count;
}

TEST_CASE("each connection of a seqpacket socket is a client") {
  const Folder folder;
  UnixServer server(folder / "s", Type::kSeqPacket, kLimits);
  const Client ada(Type::kSeqPacket, folder / "s");
  const Client bob(Type::kSeqPacket, folder / "s");
  const auto in = ServeAll(server);
  REQUIRE(in.size() == 2);
  ada.Send("one");
  ada.Send("two");
  bob.Send("three");

  const auto events = ServeAll(server);

  REQUIRE(events.size() == 3);
  CHECK(events[0].type == What::kMessage);
  CHECK(events[0].text == "one");
  CHECK(events[0].client == in[0].client);
  CHECK(events[1].text == "three");
  CHECK(events[1].client == in[1].client);
  CHECK(events[2].text == "two");
  CHECK(server.Send(in[1].client, "hello", {}) == Sent::kYes);
  CHECK(bob.Receive() == "hello");
  CHECK_FALSE(ada.Receive().has_value());
}

TEST_CASE("a client of a datagram socket is the address it sends from") {
  const Folder folder;
  UnixServer server(folder / "s", Type::kDatagram, kLimits);
  const Client ada(Type::kDatagram, folder / "s", folder / "ada");
  const Client bob(Type::kDatagram, folder / "s", folder / "bob");
  const Client nobody(Type::kDatagram, folder / "s");
  ada.Send("one");
  bob.Send("two");
  nobody.Send("three");
  ada.Send("");

  const auto events = ServeAll(server);

  REQUIRE(events.size() == 5);
  CHECK(events[0].type == What::kConnected);
  CHECK(events[1].text == "one");
  CHECK(events[2].type == What::kConnected);
  CHECK(events[3].client == events[2].client);
  CHECK(events[4].type == What::kMessage);
  CHECK(events[4].client == events[0].client);
  CHECK(server.unanswerable() == 1);
  CHECK(server.Send(events[2].client, "hello", {}) == Sent::kYes);
  CHECK(bob.Receive() == "hello");
  CHECK_FALSE(ada.Receive().has_value());
}

TEST_CASE("a datagram client that was released comes anew") {
  const Folder folder;
  UnixServer server(folder / "s", Type::kDatagram, kLimits);
  const Client ada(Type::kDatagram, folder / "s", folder / "ada");
  ada.Send("one");
  server.Release(ServeAll(server)[0].client);
  CHECK(server.clients() == 0);

  ada.Send("two");

  const auto events = ServeAll(server);
  REQUIRE(events.size() == 2);
  CHECK(events[0].type == What::kConnected);
  CHECK(events[1].text == "two");
}

TEST_CASE("an abstract address is one, too") {
  const Folder folder;
  UnixServer server(folder / "s", Type::kDatagram, kLimits);
  const std::string name = std::string(1, '\0') + (folder / "abstract");
  const Client ada(Type::kDatagram, folder / "s", name);
  ada.Send("one");

  const auto events = ServeAll(server);

  REQUIRE(events.size() == 2);
  CHECK(server.Send(events[0].client, "hello", {}) == Sent::kYes);
  CHECK(ada.Receive() == "hello");
}

TEST_CASE("a packet that is too long is told, and the next one is taken") {
  for (const Type type : {Type::kSeqPacket, Type::kDatagram}) {
    const Folder folder;
    UnixServer server(folder / "s", type, kLimits);
    const Client ada(type, folder / "s", folder / "ada");
    ada.Send(std::string(4096, 'x'));
    ada.Send(std::string(4097, 'x'));
    ada.Send("next");

    const auto events = ServeAll(server);

    REQUIRE(events.size() == 4);
    CHECK(events[1].text.size() == 4096);
    CHECK(events[2].type == What::kTooLong);
    CHECK(events[2].size == 4097);
    CHECK(events[3].text == "next");
  }
}

TEST_CASE("the end of a connection and an empty packet are its end") {
  const Folder folder;
  UnixServer server(folder / "s", Type::kSeqPacket, kLimits);
  auto ada = std::make_unique<Client>(Type::kSeqPacket, folder / "s");
  const Client bob(Type::kSeqPacket, folder / "s");
  const auto in = ServeAll(server);
  ada->Send("bye");
  ada.reset();
  bob.Send("");

  const auto events = ServeAll(server);

  REQUIRE(events.size() == 3);
  CHECK(server.clients() == 0);
  CHECK(server.Send(in[0].client, "late", {}) == Sent::kGone);
  CHECK(bob.Receive() == "");
}

TEST_CASE("a released connection is closed, and nothing more is heard of it") {
  const Folder folder;
  UnixServer server(folder / "s", Type::kSeqPacket, kLimits);
  const Client ada(Type::kSeqPacket, folder / "s");
  const auto in = ServeAll(server);
  ada.Send("unheard");

  server.Release(in[0].client);

  CHECK(ServeAll(server).empty());
  CHECK(server.clients() == 0);
}

TEST_CASE("a seqpacket client that reads gets all in order; others wait not") {
  const Folder folder;
  UnixServer server(folder / "s", Type::kSeqPacket, kMuch);
  const Client ada(Type::kSeqPacket, folder / "s");
  const auto in = ServeAll(server);
  const std::string filling(4000, 'x');
  const int count = static_cast<int>(3 * server.max_packet() / 4000);
  for (int i = 0; i < count; ++i)
    REQUIRE(server.Send(in[0].client, std::to_string(i) + filling, {}) ==
            Sent::kYes);

  int received = 0;
  while (received < count) {
    const auto text = ada.Receive();
    if (text)
      CHECK(*text == std::to_string(received++) + filling);
    else
      ServeAll(server);
  }

  CHECK(server.clients() == 1);
  pollfd ready = {server.fd(), POLLIN, 0};
  CHECK(poll(&ready, 1, 0) == 0);  // it is not watched for writing any more
}

TEST_CASE("what may wait for a client has a bound") {
  for (const Type type : {Type::kSeqPacket, Type::kDatagram}) {
    const Folder folder;
    UnixServer server(folder / "s", type, kLimits);
    const Client ada(type, folder / "s", folder / "ada");
    ada.Send("hello");
    const std::uint64_t id = ServeAll(server)[0].client;
    const std::string text(1000, 'x');

    std::size_t sent = 0;
    Sent last = Sent::kYes;
    while (sent < 10'000 && last == Sent::kYes) {
      last = server.Send(id, text, {});
      sent += last == Sent::kYes ? 1 : 0;
    }

    CHECK(last == Sent::kTooSlow);
  }
}

// Texts with numbers, more than the system lets wait for a socket.
int FillUp(UnixServer& server, std::uint64_t id) {
  const int count = static_cast<int>(2 * server.max_packet() / 1000);
  for (int i = 0; i < count; ++i) {
    std::string text = std::to_string(i);
    text.resize(1000);
    REQUIRE(server.Send(id, text, {}) == Sent::kYes);
  }
  return count;
}

// The timer is the system's: this waits, but measures nothing.
std::vector<UnixEvent> ServeNext(UnixServer& server, Timestamp now) {
  pollfd ready = {server.fd(), POLLIN, 0};
  REQUIRE(poll(&ready, 1, 30'000) == 1);
  return server.Serve(now);
}

TEST_CASE("a datagram client gets what waits when it reads again") {
  const Folder folder;
  UnixServer server(folder / "s", Type::kDatagram, kMuch);
  const Client ada(Type::kDatagram, folder / "s", folder / "ada");
  ada.Send("hello");
  const std::uint64_t id = ServeAll(server)[0].client;
  const int count = FillUp(server, id);
  server.Release(id);
  CHECK(server.clients() == 1);

  for (int received = 0; received < count;) {
    if (const auto text = ada.Receive())
      CHECK(text->c_str() == std::to_string(received++));
    else
      ServeNext(server, {});
  }
  while (server.clients() > 0) ServeNext(server, {});
}

TEST_CASE("a datagram client that reads nothing for long is given up") {
  const Folder folder;
  UnixServer server(folder / "s", Type::kDatagram, kMuch);
  const Client ada(Type::kDatagram, folder / "s", folder / "ada");
  ada.Send("hello");
  const std::uint64_t id = ServeAll(server)[0].client;
  FillUp(server, id);

  CHECK(ServeNext(server, Timestamp{} + 9s).empty());
  const auto events = ServeNext(server, Timestamp{} + 10s);

  REQUIRE(events.size() == 1);
  CHECK(events[0].type == What::kGone);
  CHECK(server.clients() == 0);
}

TEST_CASE("what is for a datagram client that is gone is dropped") {
  const Folder folder;
  UnixServer server(folder / "s", Type::kDatagram, kMuch);
  auto ada =
      std::make_unique<Client>(Type::kDatagram, folder / "s", folder / "ada");
  ada->Send("hello");
  const std::uint64_t id = ServeAll(server)[0].client;
  FillUp(server, id);
  ada.reset();

  CHECK(ServeNext(server, {}).empty());
  CHECK(server.Send(id, "x", {}) == Sent::kGone);
  unlink((folder / "ada").c_str());
  CHECK(server.Send(id, "x", {}) == Sent::kGone);

  const Client again(Type::kDatagram, folder / "s", folder / "ada");
  CHECK(server.Send(id, "back", {}) == Sent::kYes);
  CHECK(again.Receive() == "back");
}

TEST_CASE("a text that fits in no packet is refused, always") {
  for (const Type type : {Type::kSeqPacket, Type::kDatagram}) {
    const Folder folder;
    UnixServer server(folder / "s", type, kLimits);
    const Client ada(type, folder / "s", folder / "ada");
    ada.Send("hello");
    const std::uint64_t id = ServeAll(server)[0].client;
    const std::string longest(server.max_packet(), 'x');

    CHECK(server.Send(id, longest + 'x', {}) == Sent::kTooLong);
    CHECK(server.Send(id, longest, {}) == Sent::kYes);
    CHECK((ada.Receive() == longest));
  }
}

TEST_CASE("the file of a dead socket is replaced, and ours goes at the end") {
  for (const Type type : {Type::kSeqPacket, Type::kDatagram}) {
    const Folder folder;
    // A socket that is closed leaves its file.
    { const Client dead(Type::kDatagram, folder / "none", folder / "s"); }
    REQUIRE(std::filesystem::exists(folder / "s"));
    {
      UnixServer server(folder / "s", type, kLimits);
      CHECK(Client(type, folder / "s").connected);
    }
    CHECK_FALSE(std::filesystem::exists(folder / "s"));
  }
}

TEST_CASE("the file of another that came later stays") {
  const Folder folder;
  auto first =
      std::make_unique<UnixServer>(folder / "s", Type::kSeqPacket, kLimits);
  unlink((folder / "s").c_str());
  const UnixServer second(folder / "s", Type::kSeqPacket, kLimits);

  first.reset();

  CHECK(Client(Type::kSeqPacket, folder / "s").connected);
}

TEST_CASE("what stands in the way is named, and stays") {
  const Folder folder;
  for (const Type type : {Type::kSeqPacket, Type::kDatagram}) {
    const UnixServer server(folder / "used", type, kLimits);
    CHECK(ErrorOf(folder / "used", Type::kSeqPacket) == "EADDRINUSE");
    CHECK(ErrorOf(folder / "used", Type::kDatagram) == "EADDRINUSE");
    CHECK(Client(type, folder / "used").connected);
  }
  std::ofstream(folder / "file") << "x";
  CHECK(ErrorOf(folder / "file") == "EEXIST");
  std::filesystem::create_symlink(folder / "file", folder / "link");
  CHECK(ErrorOf(folder / "link") == "EEXIST");
  CHECK(std::filesystem::exists(folder / "file"));
  CHECK(ErrorOf(folder / "no/such") == "ENOENT");
  CHECK(ErrorOf("/" + std::string(107, 'x')) == "ENAMETOOLONG");
  CHECK(ErrorOf("") == "ENAMETOOLONG");
}

TEST_CASE("thousands come and go, and no file stays open") {
  const Folder folder;
  UnixServer server(folder / "s", Type::kSeqPacket, kLimits);
  const std::size_t before = OpenFiles();

  for (int round = 0; round < 100; ++round) {
    std::vector<Client> clients;
    for (int i = 0; i < 50; ++i) {
      clients.emplace_back(Type::kSeqPacket, folder / "s");
      if (i % 3 == 0) clients.back().Send("\xff\x00garbage");
    }
    // Some are gone before they were let in.
    if (round % 2 == 0) ServeAll(server);
  }
  ServeAll(server);

  CHECK(server.clients() == 0);
  CHECK(OpenFiles() == before);
}

TEST_CASE("without files left nobody spins, and it goes on when there are") {
  const Folder folder;
  UnixServer server(folder / "s", Type::kSeqPacket, kLimits);
  const Client ada(Type::kSeqPacket, folder / "s");
  rlimit before = {};
  getrlimit(RLIMIT_NOFILE, &before);
  rlimit none = before;
  none.rlim_cur = 3;
  setrlimit(RLIMIT_NOFILE, &none);

  const auto events = server.Serve({});
  pollfd ready = {server.fd(), POLLIN, 0};
  // What is at the door does not wake us any more until it is time.
  std::size_t turns = 0;
  while (turns < 1000 && poll(&ready, 1, 0) > 0) {
    ++turns;
    server.Serve({});
  }
  setrlimit(RLIMIT_NOFILE, &before);

  CHECK(events.empty());
  CHECK(turns < 1000);
  std::vector<UnixEvent> in;
  while (in.empty()) in = ServeNext(server, {});
  CHECK(in[0].type == What::kConnected);
}

TEST_CASE("one who sends much leaves the others their turn") {
  const Folder folder;
  UnixServer server(folder / "s", Type::kSeqPacket, kLimits);
  const Client loud(Type::kSeqPacket, folder / "s");
  const Client quiet(Type::kSeqPacket, folder / "s");
  const auto in = ServeAll(server);
  for (int i = 0; i < 100; ++i) loud.Send("noise");
  quiet.Send("a word");

  const auto events = server.Serve({});

  REQUIRE(events.size() == 101);
  CHECK((events[0].text == "a word" || events[1].text == "a word"));
  CHECK(in.size() == 2);
}

TEST_CASE("the thread tells once of what is ready, and again when asked to") {
  const Folder folder;
  UnixServer server(folder / "s", Type::kSeqPacket, kLimits);
  std::atomic<int> told{0};
  std::array<std::promise<void>, 3> turns;
  ReadyThread thread(server.fd(), "hg-test", [&] {
    turns.at(static_cast<std::size_t>(told++)).set_value();
  });

  const Client ada(Type::kSeqPacket, folder / "s");
  turns[0].get_future().wait();
  CHECK(ServeAll(server).size() == 1);
  thread.Resume();
  ada.Send("hello");
  turns[1].get_future().wait();
  // Not served: it is ready still.
  thread.Resume();
  turns[2].get_future().wait();

  CHECK(told == 3);
}

}  // namespace
}  // namespace hg::test
