// What libnice says of its work, for whoever looks into an ICE failure: turned
// on for a while, at many lines a connection. libnice has one switch, and GLib
// one handler, for the process: each IceLog gets the lines of all agents, of
// other engines too. Nothing is formatted while there is none.
#pragma once

#include "base/log.h"

namespace hg {

class IceLog {
 public:
  // Lines come from the threads of the agents, as kInfo from "libnice".
  explicit IceLog(LogSink& sink);
  // None comes any more.
  ~IceLog();
  IceLog(const IceLog&) = delete;
  IceLog& operator=(const IceLog&) = delete;

 private:
  LogSink& sink_;
};

}  // namespace hg
