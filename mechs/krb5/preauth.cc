// The encrypted timestamp.
#include "mechs/krb5/preauth.h"

#include "mechs/krb5/padata.h"
#include "mechs/krb5/times.h"

namespace pocketgss::mechs::krb5 {
namespace {

class EncryptedTimestamp final : public Preauth {
 public:
  int32_t padata_type() const override { return padata_type::kEncTimestamp; }
  bool strong() const override { return false; }

  Result<Reply> answer(const PreauthRound& round) override {
    const WireTime time = wire_time(round.time);
    PGSS_TRY(const Bytes plaintext, encode(PaEncTsEnc{time.seconds, time.microseconds}));
    const Key& key = round.client_key;
    Bytes cipher(ciphertext_size(key.etype(), plaintext.size()));
    PGSS_CHECK(encrypt(round.runtime.crypto(), round.runtime.random(), key,
                       KeyUsage::kPaEncTimestamp, {plaintext}, cipher));
    PGSS_TRY(Bytes value,
             encode(EncryptedData{static_cast<int32_t>(key.etype()), std::nullopt, cipher}));
    return Reply{padata_type::kEncTimestamp, std::move(value), true};
  }
};

}  // namespace

std::unique_ptr<Preauth> make_encrypted_timestamp() {
  return std::make_unique<EncryptedTimestamp>();
}

}  // namespace pocketgss::mechs::krb5
