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
