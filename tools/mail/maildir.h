// Delivery into a Maildir: streamed into tmp/, on disk before it is moved into new/.
#ifndef PGSS_TOOLS_MAIL_MAILDIR_H_
#define PGSS_TOOLS_MAIL_MAILDIR_H_

#include <cstdint>
#include <memory>
#include <string>

#include <pocketgss/bytes.h>
#include <pocketgss/env.h>

#include "tools/fallible.h"
#include "tools/files.h"

namespace pocketgss::tools {

// Delivery is one message on its way. Destroyed before commit() succeeded, it leaves nothing
// behind; after a crash a file in tmp/ may be left, which mail readers clear away.
class Delivery {
 public:
  ~Delivery();
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;

  // write appends content whose lines end in CRLF; on disk they end in LF, as mail readers of a
  // Maildir expect. Failure: kIoError (disk full, quota, broken disk).
  Fallible<Nothing> write(ByteView content);
  // commit puts the message on disk and into new/. It waits for the disk: call it outside an event
  // loop's thread, at most once, and nothing at the same time. When it returned well, the message
  // survives a crash of the machine; otherwise nothing of it is left. Failures: kIoError.
  Fallible<Nothing> commit();

  // id is unique among all deliveries of this host: the file's name, less the host.
  const std::string& id() const { return id_; }

 private:
  friend class Maildir;
  struct Folders {
    Descriptor temporary, fresh;  // tmp/ and new/
  };
  Delivery(std::shared_ptr<const Folders> folders, std::string id, std::string name,
           Descriptor file);
  Fallible<Nothing> move_to_new();
  void discard();

  std::shared_ptr<const Folders> folders_;
  std::string id_;
  std::string name_;  // of the file in tmp/; empty when it is no longer there
  Descriptor file_;
  bool last_was_cr_ = false;
};

class Maildir {
 public:
  // open makes the folder with tmp/, new/ and cur/ (mode 0700) where they are not there, and puts
  // them on disk; unless keep() is called they go again with the last copy of the Maildir. `host`
  // becomes part of file names. Failure: kCantCreate.
  static Fallible<Maildir> open(const std::string& path, const std::string& host);
  // made tells whether open() has made the folder: it was not there before.
  bool made() const { return made_; }
  // keep: what open() has made stays.
  void keep() const;

  // begin starts a delivery. Failure: kIoError.
  Fallible<std::unique_ptr<Delivery>> begin(Clock& clock, RandomSource& random) const;

 private:
  class MadeFolders;
  Maildir(std::shared_ptr<MadeFolders> made_folders,
          std::shared_ptr<const Delivery::Folders> folders, std::string host, bool made)
      : made_folders_(std::move(made_folders)),
        folders_(std::move(folders)),
        host_(std::move(host)),
        made_(made) {}

  std::shared_ptr<MadeFolders> made_folders_;
  std::shared_ptr<const Delivery::Folders> folders_;
  std::string host_;
  bool made_;
};

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_MAIL_MAILDIR_H_
