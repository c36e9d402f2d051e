// The verb `passwd`: makes, changes and deletes accounts in a user file.
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

#include <pocketgss/credential.h>

#include "tools/pocketgss/password.h"
#include "tools/pocketgss/report.h"
#include "tools/pocketgss/verbs.h"
#include "tools/text.h"
#include "tools/users/user_file.h"

namespace pocketgss::tools {
namespace {

struct Options {
  std::string users, user, password_file;
  bool remove = false;
};

Failure password_failure(const Error& error) {
  if (error.code == Errc::kApiMisuse)
    return Failure{ExitCode::kDataError,
                   std::string("the ") + error.where + "; nothing was changed"};
  if (error.code == Errc::kMalformed)
    return Failure{ExitCode::kDataError, "the password is not valid UTF-8; nothing was changed"};
  return Failure{ExitCode::kSoftware, "the password cannot be hashed: " + describe(error)};
}

Fallible<SecretBytes> hash_of(const SecretBytes& password) {
  auto runtime = Runtime::create();
  if (!runtime.has_value()) return password_failure(runtime.error());
  auto hash = nt_hash_of_password(runtime.value(), password.view());
  if (!hash.has_value()) return password_failure(hash.error());
  return std::move(hash).value();
}

// read_new_password asks twice on a terminal, because nobody sees what is typed.
Fallible<SecretBytes> read_new_password(const Options& options, const std::string& name) {
  auto first =
      read_password(options.password_file, "New password for " + tools::quoted(name) + ": ");
  if (!first.has_value() || !options.password_file.empty()) return first;
  const auto second = read_password("", "The same once more: ");
  if (!second.has_value()) return second.failure();
  if (ct_equal(first.value().view(), second.value().view())) return first;
  return Failure{ExitCode::kDataError, "the two passwords differ; nothing was changed"};
}

Fallible<Nothing> set_password(const Options& options, const std::string& name) {
  const auto password = read_new_password(options, name);
  if (!password.has_value()) return password.failure();
  const auto hash = hash_of(password.value());
  if (!hash.has_value()) return hash.failure();
  const FixedView<16> key(hash.value().view().first<16>());
  return update_user_file(options.users, [&](const UserFile& file) -> Fallible<SecretBytes> {
    return file.with(name, key);
  });
}

Fallible<Nothing> delete_account(const Options& options, const std::string& name) {
  return update_user_file(options.users, [&](const UserFile& file) -> Fallible<SecretBytes> {
    auto next = file.without(name);
    if (next) return *std::move(next);
    return Failure{ExitCode::kNoUser, "there is no account " + tools::quoted(name) + " in " +
                                          tools::quoted(options.users)};
  });
}

ExitCode run_passwd(const Options& options) {
  const auto name = account_name_of(options.user);
  if (!name.has_value()) return report("passwd", name.failure());
  const auto done =
      options.remove ? delete_account(options, name.value()) : set_password(options, name.value());
  if (!done.has_value()) return report("passwd", done.failure());
  return ExitCode::kOk;
}

}  // namespace

void add_passwd(CLI::App& app, Run& run) {
  CLI::App* verb = app.add_subcommand("passwd", "Make, change or delete an account of a user file");
  const auto options = std::make_shared<Options>();
  verb->add_option("--users", options->users, "The user file; it is made if it is not there")
      ->type_name("FILE")
      ->required();
  verb->add_option("--user", options->user,
                   "The account: NAME; of DOMAIN\\NAME and NAME@DOMAIN, NAME counts")
      ->type_name("NAME")
      ->required();
  CLI::Option* file = verb->add_option("--password-file", options->password_file,
                                       "Read the password from this file (one trailing line end is "
                                       "dropped) and not from the terminal")
                          ->type_name("FILE");
  verb->add_flag("--delete", options->remove, "Delete the account")->excludes(file);
  verb->footer(
      "The user file has one account a line, `name:nthash-in-hex`, and comments after `#`. It "
      "keeps no clear password, yet\n"
      "who can read it can log in as its users: its mode is 0600. A running `serve` reads it again "
      "on SIGHUP.");
  verb->callback([options, &run] { run = [options] { return run_passwd(*options); }; });
}

}  // namespace pocketgss::tools
