package postgres

import (
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"github.com/jackc/pgx/v5"
	"golang.org/x/text/secure/precis"

	"salesbook.dev/internal/fault"
)

// setPasswords sets those that were given.
func (m *migrator) setPasswords(ctx context.Context, conn *pgx.Conn) error {
	for role, password := range map[string]string{appRole: m.AppPassword, riverRole: m.RiverPassword} {
		if password == "" {
			continue
		}
		verifier, err := scramVerifier(password)
		if err != nil {
			return fmt.Errorf("the password of %s cannot be used: %w", role, err)
		}
		err = patiently(ctx, m.tries, roleRacePause, isRoleRace, func() error {
			_, err := conn.Exec(ctx, "ALTER ROLE "+role+" PASSWORD '"+verifier+"'")
			return err
		})
		if code(err) == insufficientPrivilege {
			return fault.New(fault.Forbidden, "the role %q may not set the password of %s: have a superuser set it (in psql: \\password %s) and configure none here", m.config.User, role, role)
		}
		if err != nil {
			return fmt.Errorf("set the password of %s: %w", role, err)
		}
	}
	return nil
}

// scramIterations is PostgreSQL's own default.
const scramIterations = 4096

// scramVerifier returns what the server would store for a password (RFC 5802,
// in PostgreSQL's notation), so that the password itself reaches neither the
// server nor its log.
func scramVerifier(password string) (string, error) {
	// As clients do; what the profile refuses they send as it is.
	if prepared, err := precis.OpaqueString.String(password); err == nil {
		password = prepared
	}
	salt := make([]byte, 16)
	rand.Read(salt)
	return scramVerifierWith(password, salt, scramIterations)
}

func scramVerifierWith(password string, salt []byte, iterations int) (string, error) {
	salted, err := pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size)
	if err != nil {
		return "", err
	}
	stored := sha256.Sum256(mac(salted, "Client Key"))
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", iterations, encode(salt), encode(stored[:]), encode(mac(salted, "Server Key"))), nil
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
