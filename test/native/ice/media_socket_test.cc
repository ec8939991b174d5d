#include "ice/media_socket.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/udp.h>
#include <unistd.h>

#include <memory>
#include <numeric>

#include "ice/gro_reader.h"
#include "raw_stun.h"

namespace hg::test {

TEST_CASE("DTLS and media go to the socket beside ICE's, the rest stays") {
  RawSocket ice;
  RawSocket sender;
  const auto media = MediaSocket::Beside(ice.fd());
  REQUIRE(media);
  GroReader reader;

  for (int first = 0; first < 256; ++first) {
    CAPTURE(first);
    const bool ours =
        (first >= 20 && first <= 63) || (first >= 128 && first <= 191);
    REQUIRE(sender.SendTo(ice.address(),
                          Datagram{static_cast<std::uint8_t>(first)}));
    CHECK(reader.Read(media->fd()) == (ours ? 1 : 0));
    CHECK(reader.Read(ice.fd()) == (ours ? 0 : 1));
  }
  REQUIRE(sender.SendTo(ice.address(), Datagram{}));
  CHECK(reader.Read(media->fd()) == 0);
}

TEST_CASE("ICE's socket gets everything again when the other is gone") {
  RawSocket ice;
  RawSocket sender;
  GroReader reader;

  for (int round = 0; round < 3; ++round) {
    {
      const auto media = MediaSocket::Beside(ice.fd());
      REQUIRE(media);
      REQUIRE(sender.SendTo(ice.address(), Datagram{0x80}));
      CHECK(reader.Read(media->fd()) == 1);
    }
    REQUIRE(sender.SendTo(ice.address(), Datagram{0x80}));
    CHECK(reader.Read(ice.fd()) == 1);
  }
}

TEST_CASE("a GSO message of a sender on this machine is taken in one piece") {
  RawSocket ice;
  RawSocket sender;
  const auto media = MediaSocket::Beside(ice.fd());
  REQUIRE(media);
  const int segment = 100;
  REQUIRE(setsockopt(sender.fd(), SOL_UDP, UDP_SEGMENT, &segment,
                     sizeof segment) == 0);
  Datagram run(350);
  std::iota(run.begin(), run.end(), 0x80);

  REQUIRE(sender.SendTo(ice.address(), run));

  GroReader reader;
  REQUIRE(reader.Read(media->fd()) == 1);
  CHECK(reader.SegmentSize(0) == 100);
  CHECK(reader.message(0).size() == 350);
  CHECK(reader.from(0) == sender.address());
}

TEST_CASE("where there is no second socket, nothing changes") {
  const int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
  REQUIRE(file >= 0);

  CHECK(!MediaSocket::Beside(file));
  CHECK(!MediaSocket::Beside(-1));

  close(file);
}

}  // namespace hg::test
