# A runner in Perl, written from docs/RUNNER.md alone: the harness's own random
# streams, processes by fork, one pipe each.
use strict;
use warnings;
no warnings 'portable';
use JSON::PP;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

$| = 1;
my $visit = decode_json(scalar <STDIN>);
say_error("I know pi only") if $visit->{kernel} ne 'pi';
say_error("I cannot pin workers") if $visit->{pin};
my $seed = 0 + $visit->{seed};    # A decimal string of a 64-bit integer.

# Under "use integer" sums and products wrap, but >> is arithmetic.
sub shifted { return $_[0] >> $_[1] }

sub mix {
    my $z = $_[0];
    { use integer; $z ^= shifted($z, 30); $z *= 0xbf58476d1ce4e5b9; }
    { use integer; $z ^= shifted($z, 27); $z *= 0x94d049bb133111eb; }
    return $z ^ shifted($z, 31);
}

sub plus { use integer; return $_[0] + $_[1] }

use constant GAMMA => 0x9e3779b97f4a7c15;

# The hits of block b.
sub hits {
    my ($b) = @_;
    my $state = mix(mix(plus($seed, GAMMA)) ^ $b);
    my $hits = 0;
    for my $lane (0 .. 15) {
        my @s = map { $state = plus($state, GAMMA); mix($state) } 0 .. 3;
        my ($s0, $s1, $s2, $s3) = @s;
        for (1 .. $visit->{block} / 16) {
            my $r = plus($s0, $s3);
            $r = plus(($r << 23) | ($r >> 41), $s0);
            my $t = $s1 << 17;
            $s2 ^= $s0;
            $s3 ^= $s1;
            $s1 ^= $s2;
            $s0 ^= $s3;
            $s2 ^= $t;
            $s3 = ($s3 << 45) | ($s3 >> 19);
            my ($x, $y) = ($r & 0xffffffff, ($r >> 32) & 0xffffffff);
            $x -= 1 << 32 if $x >= 1 << 31;
            $y -= 1 << 32 if $y >= 1 << 31;
            $hits++ if $x * $x + $y * $y < 1 << 62;
        }
    }
    return $hits;
}

# The line of one key.
sub say_line { my ($key, $fields) = @_; print encode_json({ $key => $fields }), "\n" }
sub say_error { say_line('error', { message => $_[0] }); exit 1 }

sub now_ns { return int(1e9 * clock_gettime(CLOCK_MONOTONIC)) }

sub tally {
    my ($blocks, $hits) = @_;
    my $draws = $blocks * $visit->{block};
    return { draws => "$draws", sum => "$hits", sum_sq => "$hits" };
}

# One call: a process for each worker, every nthread-th block.
sub call {
    my $start = now_ns();
    my @pipes;
    for my $worker (0 .. $visit->{nthread} - 1) {
        my $pid = open(my $pipe, '-|') // say_error("cannot fork: $!");
        if ($pid == 0) {
            my ($blocks, $hits) = (0, 0);
            for (my $b = $worker; $b < $visit->{blocks}; $b += $visit->{nthread}) {
                $hits += hits($b);
                $blocks++;
            }
            print "$blocks $hits\n";
            exit 0;
        }
        push @pipes, $pipe;
    }
    my ($all, @workers) = (0);
    for my $worker (0 .. $#pipes) {
        my $pipe = $pipes[$worker];
        my ($blocks, $hits) = split ' ', scalar <$pipe>;
        close $pipe;    # Waits for the worker.
        $all += $hits;
        push @workers,
            { name => "worker-$worker", blocks => $blocks + 0, tally => tally($blocks, $hits) };
    }
    my $wall = now_ns() - $start;
    return { wall_ns => $wall, tally => tally($visit->{blocks}, $all), workers => \@workers };
}

say_line('hello', { protocol => 1, check => 'exact', build => "perl $]" });
say_line('setup', { wall_ns => 0 });
say_line('warmup', call()) for 1 .. $visit->{warmup};
say_line('call', call()) for 1 .. $visit->{iterations};
say_line('teardown', { wall_ns => 0 });
say_line('done', {});
