// ServiceKeys: a key table that has been checked, with the octets that it borrows.
#ifndef PGSS_LIB_SERVICE_KEYS_H_
#define PGSS_LIB_SERVICE_KEYS_H_

#include <pocketgss/context.h>

#include "mechs/krb5/keytab.h"

namespace pocketgss {

class ServiceKeys {
 public:
  static Result<std::shared_ptr<const ServiceKeys>> create(SecretBytes file) {
    PGSS_TRY(const mechs::krb5::Keytab keytab, mechs::krb5::parse_keytab(file.view()));
    return std::shared_ptr<const ServiceKeys>(
        std::make_shared<ServiceKeys>(Checked{}, std::move(file), keytab));
  }
  const mechs::krb5::Keytab& keytab() const { return keytab_; }

 private:
  struct Checked {};

 public:
  // For create(): `keytab` borrows from the block of `file`, which moving does not move.
  ServiceKeys(Checked, SecretBytes file, const mechs::krb5::Keytab& keytab)
      : file_(std::move(file)), keytab_(keytab) {}

 private:
  SecretBytes file_;
  mechs::krb5::Keytab keytab_;
};

}  // namespace pocketgss

#endif  // PGSS_LIB_SERVICE_KEYS_H_
