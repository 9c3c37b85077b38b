package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/seal"
)

// TeamAddress is the address of a team as a whole, see Channel.
const TeamAddress = "team:"

// Channel is by what a person or team is told.
type Channel struct {
	ID        int64
	Address   string // e-mail address in small letters, or TeamAddress and the id of a team
	Kind      string // email, slack, telegram or webhook
	Target    string // without a secret
	Language  string // empty: the book's
	Zone      string // empty: that of the calendar
	QuietFrom int
	QuietTo   int
	Digest    bool
	Instant   bool
	State     string // active or stopped
	Why       string
	MadeAt    time.Time
	MadeBy    string
}

// ChannelSecret is what of a channel is sealed.
type ChannelSecret struct {
	URL    string `json:"url,omitempty"`    // of Slack's webhook, or another
	Token  string `json:"token,omitempty"`  // of Telegram's bot
	Server string `json:"server,omitempty"` // of Telegram's API, if not its own
	Secret string `json:"secret,omitempty"` // that a webhook's messages are signed with
}

const channelColumns = `id, address, kind, target, language, zone, quiet_from, quiet_to, digest, instant, state, why, made_at, made_by`

func channelPlace(workspace, id int64) string { return fmt.Sprintf("channel/%d/%d", workspace, id) }

// AddChannel stores a channel with its secrets and returns its number.
func (v Vault) AddChannel(ctx context.Context, tx pgx.Tx, workspace int64, c Channel, s ChannelSecret) (id int64, err error) {
	err = tx.QueryRow(ctx, `
		INSERT INTO channels (workspace_id, address, kind, target, language, zone, quiet_from, quiet_to, digest, instant, state, why, made_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING id`,
		workspace, c.Address, c.Kind, c.Target, c.Language, c.Zone, c.QuietFrom, c.QuietTo, c.Digest, c.Instant, c.State, c.Why, c.MadeBy).Scan(&id)
	if err != nil || s == (ChannelSecret{}) {
		return id, err
	}
	return id, v.sealChannel(ctx, tx, workspace, id, s)
}

func (v Vault) sealChannel(ctx context.Context, tx pgx.Tx, workspace, id int64, s ChannelSecret) error {
	plain, err := json.Marshal(s)
	if err != nil {
		return err
	}
	sealed, err := v.Keys.Seal(plain, channelPlace(workspace, id))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE channels SET sealed = $3, key_id = $4 WHERE (workspace_id, id) = ($1, $2)`, workspace, id, sealed, int64(seal.KeyOf(sealed)))
	return err
}

// ChannelByID returns a channel, or fault.NotFound.
func ChannelByID(ctx context.Context, tx pgx.Tx, workspace, id int64) (Channel, error) {
	rows, err := tx.Query(ctx, `SELECT `+channelColumns+` FROM channels WHERE (workspace_id, id) = ($1, $2)`, workspace, id)
	if err != nil {
		return Channel{}, err
	}
	c, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Channel])
	return c, notFound(err, "there is no channel %d; `salesbook notify channels` lists those that there are", id)
}

// ChannelSecretOf returns the secrets of a channel. Those that nothing here can
// open are fault.Auth: they have to be given again.
func (v Vault) ChannelSecretOf(ctx context.Context, tx pgx.Tx, workspace, id int64) (s ChannelSecret, err error) {
	var sealed []byte
	err = tx.QueryRow(ctx, `SELECT sealed FROM channels WHERE (workspace_id, id) = ($1, $2)`, workspace, id).Scan(&sealed)
	if err != nil || sealed == nil {
		return s, err
	}
	plain, err := v.unsealFor(sealed, channelPlace(workspace, id), "channel "+fmt.Sprint(id))
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(plain, &s)
}

// unsealFor opens what is sealed at a place; what is the name of its owner.
func (v Vault) unsealFor(sealed []byte, place, what string) ([]byte, error) {
	plain, err := v.Keys.Unseal(sealed, place)
	if errors.Is(err, seal.ErrDamaged) {
		return nil, fault.New(fault.Auth, "the secret of %s cannot be opened: %w; give it again", what, err)
	}
	if err != nil {
		return nil, fault.New(fault.Temporary, "the secret of %s cannot be opened on this machine: %w. If the key was rotated elsewhere, copy the key file to here", what, err)
	}
	return plain, nil
}

// Channels returns up to most channels with numbers after the given one.
func Channels(ctx context.Context, tx pgx.Tx, workspace, after int64, most int) ([]Channel, error) {
	return channels(tx.Query(ctx, `SELECT `+channelColumns+` FROM channels WHERE workspace_id = $1 AND id > $2 ORDER BY id LIMIT $3`, workspace, after, most))
}

// ChannelsOf returns the channels of an address.
func ChannelsOf(ctx context.Context, tx pgx.Tx, workspace int64, address string) ([]Channel, error) {
	return channels(tx.Query(ctx, `SELECT `+channelColumns+` FROM channels WHERE (workspace_id, address) = ($1, $2) ORDER BY id`, workspace, address))
}

func channels(rows pgx.Rows, err error) ([]Channel, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Channel])
}

// RemoveChannel deletes a channel; fault.NotFound if there is none. What was to go
// by it has nowhere to go any more.
func RemoveChannel(ctx context.Context, tx pgx.Tx, workspace, id int64) error {
	tag, err := tx.Exec(ctx, `DELETE FROM channels WHERE (workspace_id, id) = ($1, $2)`, workspace, id)
	if err == nil && tag.RowsAffected() == 0 {
		err = fault.New(fault.NotFound, "there is no channel %d; `salesbook notify channels` lists those that there are", id)
	}
	return err
}

// SetChannelState stops a channel for a reason, or, with none, lets it go on.
func SetChannelState(ctx context.Context, tx pgx.Tx, workspace, id int64, why string) error {
	_, err := tx.Exec(ctx, `UPDATE channels SET state = CASE WHEN $3 = '' THEN 'active' ELSE 'stopped' END, why = $3 WHERE (workspace_id, id) = ($1, $2)`, workspace, id, why)
	return err
}

// MailServer is the mail server by which a workspace's messages go out.
type MailServer struct {
	Host     string
	Port     int
	User     string
	Password string
	From     string
	TLS      string // starttls, tls or none
	Heads    bool   // heads, and whom the book names, are written to unless they have a channel
	Reps     bool   // so are reps
	State    string // active or stopped
	Why      string
	SetBy    string
}

func mailPlace(workspace int64) string { return fmt.Sprintf("mail server/%d", workspace) }

// SetMailServer stores the mail server of a workspace in place of any other.
func (v Vault) SetMailServer(ctx context.Context, tx pgx.Tx, workspace int64, m MailServer) (err error) {
	var sealed []byte
	if m.Password != "" {
		if sealed, err = v.Keys.Seal([]byte(m.Password), mailPlace(workspace)); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO mail_servers (workspace_id, host, port, username, sealed, key_id, sender, tls, heads, reps, set_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (workspace_id) DO UPDATE SET host = excluded.host, port = excluded.port, username = excluded.username, sealed = excluded.sealed, key_id = excluded.key_id,
			sender = excluded.sender, tls = excluded.tls, heads = excluded.heads, reps = excluded.reps, set_by = excluded.set_by, set_at = now(), state = 'active', why = ''`,
		workspace, m.Host, m.Port, m.User, sealed, int64(seal.KeyOf(sealed)), m.From, m.TLS, m.Heads, m.Reps, m.SetBy)
	return err
}

// SetMailReaders says who is written to without a channel; nil: as it was. It
// returns what is set then, or fault.NotFound if there is no mail server.
func SetMailReaders(ctx context.Context, tx pgx.Tx, workspace int64, heads, reps *bool, by string) (m MailServer, err error) {
	err = tx.QueryRow(ctx, `
		UPDATE mail_servers SET heads = COALESCE($2, heads), reps = COALESCE($3, reps), set_by = $4, set_at = now() WHERE workspace_id = $1 RETURNING host, heads, reps`,
		workspace, heads, reps, by).Scan(&m.Host, &m.Heads, &m.Reps)
	return m, notFound(err, "there is no mail server; `salesbook notify smtp HOST --from ADDRESS` sets one")
}

// MailServerOf returns the mail server of a workspace; nil if it has none. A
// password that nothing here can open is an error, see ChannelSecretOf; the rest
// is returned even then.
func (v Vault) MailServerOf(ctx context.Context, tx pgx.Tx, workspace int64) (*MailServer, error) {
	var m MailServer
	var sealed []byte
	err := tx.QueryRow(ctx, `SELECT host, port, username, sealed, sender, tls, heads, reps, state, why, set_by FROM mail_servers WHERE workspace_id = $1`, workspace).
		Scan(&m.Host, &m.Port, &m.User, &sealed, &m.From, &m.TLS, &m.Heads, &m.Reps, &m.State, &m.Why, &m.SetBy)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil || sealed == nil {
		return &m, err
	}
	plain, err := v.unsealFor(sealed, mailPlace(workspace), "the mail server")
	m.Password = string(plain)
	return &m, err
}

// RemoveMailServer deletes the mail server of a workspace.
func RemoveMailServer(ctx context.Context, tx pgx.Tx, workspace int64) error {
	_, err := tx.Exec(ctx, `DELETE FROM mail_servers WHERE workspace_id = $1`, workspace)
	return err
}

// ResealChannels seals the secrets of channels and mail server with the present
// key. What no key opens stays as it is, and stops.
func (v Vault) ResealChannels(ctx context.Context, tx pgx.Tx, workspace int64) error {
	ids, err := v.sealedChannels(ctx, tx, workspace)
	if err != nil {
		return err
	}
	for _, id := range ids {
		s, err := v.ChannelSecretOf(ctx, tx, workspace, id)
		if err == nil {
			err = v.sealChannel(ctx, tx, workspace, id, s)
		}
		if Unreadable(err) {
			err = SetChannelState(ctx, tx, workspace, id, lostSecret)
		}
		if err != nil {
			return err
		}
	}
	return v.resealMailServer(ctx, tx, workspace)
}

// lostSecret is why something is stopped whose secret no key opens.
const lostSecret = "no key opens its secret any more: it has to be set anew"

func (v Vault) sealedChannels(ctx context.Context, tx pgx.Tx, workspace int64) ([]int64, error) {
	rows, err := tx.Query(ctx, `SELECT id FROM channels WHERE workspace_id = $1 AND sealed IS NOT NULL AND key_id <> $2 ORDER BY id FOR UPDATE`, workspace, int64(v.Keys.Primary()))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

func (v Vault) resealMailServer(ctx context.Context, tx pgx.Tx, workspace int64) error {
	var key int64
	err := tx.QueryRow(ctx, `SELECT key_id FROM mail_servers WHERE workspace_id = $1 AND sealed IS NOT NULL FOR UPDATE`, workspace).Scan(&key)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && key == int64(v.Keys.Primary()) {
		return nil
	}
	if err != nil {
		return err
	}
	m, err := v.MailServerOf(ctx, tx, workspace)
	if Unreadable(err) {
		_, err = tx.Exec(ctx, `UPDATE mail_servers SET state = 'stopped', why = $2 WHERE workspace_id = $1`, workspace, lostSecret)
		return err
	}
	if err != nil {
		return err
	}
	sealed, err := v.Keys.Seal([]byte(m.Password), mailPlace(workspace))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE mail_servers SET sealed = $2, key_id = $3 WHERE workspace_id = $1`, workspace, sealed, int64(seal.KeyOf(sealed)))
	return err
}
