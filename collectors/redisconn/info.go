package redisconn

import (
	"context"
	"strings"

	"apitop/collectors/snapshot"
)

// infoForms are the ways to ask for all figures at once, the best first. A
// server too old for one gives an empty text, a simulation an error.
func infoForms() [][]string { return [][]string{{"INFO", "everything"}, {"INFO", "all"}, {"INFO"}} }

// Info sends INFO for all that the server tells and returns its text together
// with our own part in the figures in it: nothing of ours runs in between. The
// error is a [snapshot.Failure]. INFO that was refused is not sent again for a
// while, as with every command behind the [Gate].
func (c *Conn) Info(ctx context.Context) (text string, own Own, err error) {
	if r, refused := c.gate.refusal("info"); refused {
		return "", Own{}, infoRefused(r.Unknown)
	}
	ctx, cancel := c.leash(ctx)
	defer cancel()
	release, err := c.wait(ctx)
	if err != nil {
		return "", Own{}, err
	}
	defer release()
	text, err = c.askInfo(ctx)
	if err != nil {
		return "", Own{}, err
	}
	own = c.Own()
	own.withoutLastInfo()
	if c.gate.Saw(field(text, "run_id")) {
		c.form.Store(0)
	}
	c.demoted.Store(field(text, "role") == "slave")
	return text, own, nil
}

// askInfo asks in the form that was understood last; a form that a server does
// not understand is not tried again on it.
func (c *Conn) askInfo(ctx context.Context) (string, error) {
	forms := infoForms()
	for form := c.form.Load(); ; form++ {
		last := int(form) == len(forms)-1
		replies, err := c.send(ctx, forms[form:form+1])
		if err != nil {
			return "", err
		}
		switch r := replies[0].(type) {
		case string:
			if last || strings.Contains(r, ":") {
				c.form.Store(form)
				return r, nil
			}
		case *ReplyError:
			c.gate.learn([]string{"info"}, r)
			if last || r.Denied() || r.Unknown() {
				return "", infoFailure(r)
			}
		default:
			return "", snapshot.Fail(snapshot.Unsupported, "INFO gave something else than a text", "")
		}
	}
}

func infoFailure(e *ReplyError) *snapshot.Failure {
	if e.Denied() || e.Unknown() {
		return infoRefused(e.Unknown())
	}
	return snapshot.Fail(snapshot.Unsupported, "INFO failed: "+e.Error(), "")
}

func infoRefused(unknown bool) *snapshot.Failure {
	if unknown {
		return snapshot.Fail(snapshot.Unsupported, "the server has no INFO command: its figures are unknown, and so is what our own reads add to them",
			"do not rename INFO away (rename-command in its configuration)")
	}
	return snapshot.Fail(snapshot.Denied, "INFO is not permitted for this user: the server's figures are unknown", "ACL SETUSER name +info")
}

// field is the value of a line "name:value" of INFO, at most 64 bytes of it.
func field(text, name string) string {
	_, rest, found := strings.Cut("\n"+text, "\n"+name+":")
	if !found {
		return ""
	}
	value, _, _ := strings.Cut(rest, "\n")
	value = strings.TrimSuffix(value, "\r")
	return strings.Clone(value[:min(len(value), 64)])
}
