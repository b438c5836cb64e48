#include <gnutls/gnutls.h>
#include <gnutls/crypto.h>
#include <gnutls/abstract.h>
#include <string.h>

// AES-256-GCM with a 16-byte tag. Everything is passed by address only, so that the Swift side has
// no pointer that outlives the call. `sealed` holds count + 16 bytes; the context, authenticated
// beside the text, is not part of it.

static inline int cardfile_aes256gcm_seal(const unsigned char key[32],
                                          const unsigned char nonce[12],
                                          const unsigned char *context, size_t context_count,
                                          const unsigned char *plaintext, size_t count,
                                          unsigned char *sealed) {
  gnutls_datum_t secret = {(unsigned char *)key, 32};
  gnutls_aead_cipher_hd_t cipher;
  size_t sealed_count = count + 16;
  int result = gnutls_aead_cipher_init(&cipher, GNUTLS_CIPHER_AES_256_GCM, &secret);
  if (result != 0) return result;
  result = gnutls_aead_cipher_encrypt(cipher, nonce, 12, context, context_count, 16, plaintext,
                                      count, sealed, &sealed_count);
  gnutls_aead_cipher_deinit(cipher);
  return result;
}

// `count` is that of the ciphertext with its tag; `plaintext` holds count - 16 bytes.
static inline int cardfile_aes256gcm_open(const unsigned char key[32],
                                          const unsigned char nonce[12],
                                          const unsigned char *context, size_t context_count,
                                          const unsigned char *sealed, size_t count,
                                          unsigned char *plaintext) {
  gnutls_datum_t secret = {(unsigned char *)key, 32};
  gnutls_aead_cipher_hd_t cipher;
  size_t plaintext_count = count - 16;
  int result = gnutls_aead_cipher_init(&cipher, GNUTLS_CIPHER_AES_256_GCM, &secret);
  if (result != 0) return result;
  result = gnutls_aead_cipher_decrypt(cipher, nonce, 12, context, context_count, 16, sealed,
                                      count, plaintext, &plaintext_count);
  gnutls_aead_cipher_deinit(cipher);
  return result;
}

// Ed25519 (RFC 8032). A private key is its seed of 32 bytes, a public key has 32 bytes and a
// signature 64. GnuTLS computes the public half of a key only when it reads PKCS #8 (RFC 8410),
// which for a bare seed is sixteen fixed bytes before it.

static inline int cardfile_ed25519_key(const unsigned char seed[32], gnutls_privkey_t *key) {
  static const unsigned char prefix[16] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                           0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};
  unsigned char encoded[48];
  memcpy(encoded, prefix, 16);
  memcpy(encoded + 16, seed, 32);
  gnutls_datum_t datum = {encoded, 48};
  int result = gnutls_privkey_init(key);
  if (result != 0) return result;
  result = gnutls_privkey_import_x509_raw(*key, &datum, GNUTLS_X509_FMT_DER, NULL, 0);
  gnutls_memset(encoded, 0, 48);
  if (result != 0) gnutls_privkey_deinit(*key);
  return result;
}

static inline int cardfile_ed25519_public(const unsigned char seed[32],
                                          unsigned char public_key[32]) {
  gnutls_privkey_t key;
  int result = cardfile_ed25519_key(seed, &key);
  if (result != 0) return result;
  gnutls_datum_t x = {NULL, 0};
  result = gnutls_privkey_export_ecc_raw2(key, NULL, &x, NULL, NULL, 0);
  if (result == 0 && x.size == 32) {
    memcpy(public_key, x.data, 32);
  } else if (result == 0) {
    result = GNUTLS_E_INTERNAL_ERROR;
  }
  gnutls_free(x.data);
  gnutls_privkey_deinit(key);
  return result;
}

static inline int cardfile_ed25519_sign(const unsigned char seed[32], const unsigned char *message,
                                        size_t count, unsigned char signature[64]) {
  gnutls_privkey_t key;
  int result = cardfile_ed25519_key(seed, &key);
  if (result != 0) return result;
  gnutls_datum_t data = {(unsigned char *)message, (unsigned int)count};
  gnutls_datum_t made = {NULL, 0};
  result = gnutls_privkey_sign_data2(key, GNUTLS_SIGN_EDDSA_ED25519, 0, &data, &made);
  if (result == 0 && made.size == 64) {
    memcpy(signature, made.data, 64);
  } else if (result == 0) {
    result = GNUTLS_E_INTERNAL_ERROR;
  }
  gnutls_free(made.data);
  gnutls_privkey_deinit(key);
  return result;
}

// 0 when the signature is right, a negative number otherwise.
static inline int cardfile_ed25519_verify(const unsigned char public_key[32],
                                          const unsigned char *message, size_t count,
                                          const unsigned char signature[64]) {
  gnutls_pubkey_t key;
  int result = gnutls_pubkey_init(&key);
  if (result != 0) return result;
  gnutls_datum_t x = {(unsigned char *)public_key, 32};
  result = gnutls_pubkey_import_ecc_raw(key, GNUTLS_ECC_CURVE_ED25519, &x, NULL);
  if (result == 0) {
    gnutls_datum_t data = {(unsigned char *)message, (unsigned int)count};
    gnutls_datum_t given = {(unsigned char *)signature, 64};
    result = gnutls_pubkey_verify_data2(key, GNUTLS_SIGN_EDDSA_ED25519, 0, &data, &given);
    if (result > 0) result = 0;
  }
  gnutls_pubkey_deinit(key);
  return result;
}
