package redistest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// reply reads one RESP2 reply.
func reply(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimSuffix(line, "\r\n")
	if line == "" {
		return "", errors.New("empty line in a reply")
	}
	switch line[0] {
	case '+', ':':
		return line[1:], nil
	case '-':
		return "", errors.New(line[1:])
	}
	n, err := strconv.Atoi(line[1:])
	if err != nil || n < 0 {
		return "", err // a null: empty
	}
	switch line[0] {
	case '$':
		buf := make([]byte, n+2)
		_, err := io.ReadFull(r, buf)
		return string(buf[:n]), err
	case '*':
		out := make([]string, n)
		for i := range out {
			if out[i], err = reply(r); err != nil {
				return "", err
			}
		}
		return strings.Join(out, "\n"), nil
	}
	return "", fmt.Errorf("unknown reply %q", line)
}
